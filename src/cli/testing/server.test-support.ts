import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RPCHandler } from '@orpc/server/node';
import { Authority } from '../../control/authority/authority.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { reportErrors } from '../../protocol/orpc-errors.ts';
import { controlName } from '../../region/link/tls.ts';
import { routerOf } from './router.test-support.ts';
import { World } from './world.test-support.ts';

export const token = 'sty_test';

/** The control contract over real HTTPS, with a world that tests script. */
export interface TestServer extends AsyncDisposable {
  world: World;
  address: string;
  fingerprint: string;
  authority: Authority;
  /** Cuts every connection, as a server that is killed does. */
  cut(): void;
}

let authority: Promise<Authority> | undefined;

export async function startTestServer(commonName: string = controlName, hosts = ['127.0.0.1']): Promise<TestServer> {
  authority ??= makeAuthority();
  const root = await authority;
  const { certificate, key } = await root.issue(commonName, hosts);
  const world = new World();
  const rpc = new RPCHandler(routerOf(world), { clientInterceptors: [reportErrors()] });
  const server = createServer({ key, cert: certificate + root.certificate }, (req, res) => void answer(req, res));
  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    if (req.url!.includes('/builds/')) return build(req, res, world);
    const allowed = req.headers.authorization === `Bearer ${token}`;
    const { matched } = await rpc.handle(req, res, { prefix: '/rpc', context: { allowed } });
    if (!matched) res.writeHead(404).end();
  };
  const address = await listen(server);
  const close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return {
    world,
    address,
    authority: root,
    fingerprint: root.fingerprint,
    cut: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: close,
  };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** In memory only: what it wrote is removed at once. */
async function makeAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'storky-cli-authority-'));
  try {
    return await Authority.open(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(req: IncomingMessage, res: ServerResponse, world: World): Promise<void> {
  const sha256 = req.url!.split('/').at(-1)!;
  if (req.headers.authorization !== `Bearer ${token}`) return refuse(res, new StorkyError('unauthorized'));
  if (req.method === 'HEAD') return void res.writeHead(world.builds.has(sha256) ? 200 : 404).end();
  const hash = createHash('sha256');
  for await (const chunk of req) hash.update(chunk as Buffer);
  if (hash.digest('hex') !== sha256)
    return refuse(res, new StorkyError('bad_request', { field: 'build', detail: 'the digest differs' }));
  world.builds.add(sha256);
  res.writeHead(201).end('{}');
}

const refuse = (res: ServerResponse, error: StorkyError) =>
  void res.writeHead(error.http, { 'content-type': 'application/json' }).end(JSON.stringify(error.report()));
