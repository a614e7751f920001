import { readFileSync, writeFileSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectRoot, spawnForTest } from '../../test/support/spawned.ts';
import { tempFolder } from '../../test/support/temp-folder.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { EpochRecord, Gate } from '../protocol/gate.ts';
import { TestAuthority } from '../region/link/authority.test-support.ts';
import { RouterClient } from './client.ts';
import type { Ports, RouterConfig } from './config.ts';
import { Router } from './router.ts';

/** One for all tests of a file. */
export const authority = await TestAuthority.create();

export interface TestRouter {
  ports: Ports;
  client: RouterClient;
  folder: string;
  config: RouterConfig;
  stop(): Promise<void>;
}

/** A router of its own region in this process, gone when the test ends. */
export async function startRouter(region = 'osc-fr1', more: Partial<RouterConfig> = {}): Promise<TestRouter> {
  const { config, folder } = await prepare(region, more);
  const router = await Router.start(config);
  const stop = () => router.stop(0);
  onTestFinished(stop);
  return { ports: router.ports, client: clientOf(config), folder, config, stop };
}

/** A router as the agent runs it, which can be killed and started again with the same configuration. */
export async function spawnRouter(region = 'osc-fr1', again?: Omit<TestRouter, 'stop'>) {
  const { config, folder } = again ?? (await prepare(region, {}));
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify(config));
  const process_ = spawnForTest(process.execPath, [join(projectRoot, 'src/router/main.ts'), path]);
  const [line] = await process_.says(/\{"ready".*\}/);
  const { ports } = JSON.parse(line) as { ports: Ports };
  return { ports, client: again?.client ?? clientOf(config), folder, config, process: process_ };
}

async function prepare(region: string, more: Partial<RouterConfig>): Promise<{ config: RouterConfig; folder: string }> {
  const folder = tempFolder('router');
  const identity = await authority.issue(region);
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const here = { host: '127.0.0.1', port: 0 };
  const config: RouterConfig = {
    region,
    stateFile: join(folder, 'router.json'),
    socketPath: join(folder, 'router.sock'),
    http: here,
    ingress: {
      ...here,
      cert: file('cert.pem', identity.certificate),
      key: file('key.pem', identity.key),
      ca: file('ca.pem', identity.ca),
    },
    trustedProxies: [],
    ...more,
  };
  return { config, folder };
}

function clientOf(config: RouterConfig): RouterClient {
  const client = new RouterClient(config.socketPath);
  onTestFinished(() => client.close());
  return client;
}

export function gateOf(app: string, upstreams: (number | string)[], more: Partial<Gate> = {}): Gate {
  return {
    app,
    hosts: [`${app}.test`],
    previewHosts: [],
    entries: [],
    upstreams: upstreams.map((one) => (typeof one === 'number' ? `127.0.0.1:${one}` : one)),
    state: 'serve',
    forward: null,
    limits: { budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 },
    epoch: null,
    epochFile: null,
    forceHttps: false,
    canonicalHost: null,
    stickySessions: false,
    ...more,
  };
}

/** A real HTTP server; the app behind the gate. */
export async function startApp(
  listener: RequestListener,
): Promise<{ port: number; server: Server; close(): Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(() => (server.listening ? close() : undefined));
  return { port: (server.address() as AddressInfo).port, server, close };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  trailers: NodeJS.Dict<string>;
  body: string;
}

interface Ask {
  host?: string;
  path?: string;
  method?: string;
  body?: string | Buffer;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** One request on a connection of its own. */
export function ask(
  port: number,
  { host = 'shop.test', path = '/', method, body, headers, signal }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { host, ...headers },
      agent: false,
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          trailers: response.trailers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.end(body);
  });
}

/** Bytes as they are, for what no well-behaved client would send. */
export function raw(port: number): { socket: Socket; text(): string; ended: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, text: () => text, ended };
}

export function writeEpoch(folder: string, role: 'active' | 'passive', epoch: number): string {
  const path = join(folder, 'epoch.json');
  const record: EpochRecord = { epoch, role, migration: null, peer: null, at: new Date().toISOString() };
  writeFileSync(path, JSON.stringify(record));
  return path;
}

export const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

/** What a switch asks of a gate unless a test says otherwise. */
export const limits = { budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 };

/** A router whose one app notes what it sees, and the verbs of a hold. */
export async function holding(more: Partial<typeof limits> = {}) {
  const seen: string[] = [];
  const app = await startApp((request, response) => {
    seen.push(request.url!);
    let bytes = 0;
    request.on('data', (chunk) => (bytes += chunk.length)).on('end', () => response.end(`${request.url} ${bytes}`));
  });
  const router = await startRouter();
  await router.client.put(gateOf('shop', [app.port]));
  const epochFile = writeEpoch(router.folder, 'active', 1);
  const hold = () => router.client.hold('shop', { ...limits, ...more }, 2, epochFile);
  const waiting = (count: number) =>
    waitFor(async () => (await router.client.metrics('shop')).waiting === count, {
      every: 5,
      what: `${count} waiting`,
    });
  return { ...router, app, seen, hold, waiting, epochFile };
}

/** A router with one app behind it. */
export async function withApp(listener: Parameters<typeof startApp>[0], more: Parameters<typeof gateOf>[2] = {}) {
  const app = await startApp(listener);
  const router = await startRouter();
  await router.client.put(gateOf('shop', [app.port], more));
  return { ...router, app };
}
