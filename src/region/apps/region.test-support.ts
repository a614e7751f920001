import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { DatabaseEngine } from '../../drivers/database/contract.ts';
import { dockerProjects } from '../../drivers/runtime/docker/project/runtime.ts';
import { localRuntime } from '../../drivers/runtime/local/runtime.ts';
import { AppRecord } from '../../protocol/app-record/record.ts';
import { startRouter, type TestRouter } from '../../router/router.test-support.ts';
import { Apps, type OpenOptions } from './apps.ts';
import type { GateControl } from './gate-control.ts';

/** A web process of a few lines: says who it is, crashes and dawdles when asked, and stops politely. */
export const webScript = `
  const http = require('http');
  const say = { pid: process.pid, version: process.env.VERSION ?? null, cwd: process.cwd() };
  const server = http.createServer((req, res) => {
    if (req.url === '/crash') process.exit(7);
    if (req.url === '/health') return void res.writeHead(process.env.SICK ? 503 : 200).end();
    setTimeout(() => res.end(JSON.stringify({ ...say, env: process.env.SHOWN ?? null })), req.url === '/slow' ? 400 : 0);
  });
  server.listen(process.env.PORT, '127.0.0.1', () => console.log('listening'));
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;
/** Writes its pid again and again to a file tree, so that two of them would show. */
export const workerScript = `console.log('worker ' + process.pid); setInterval(() => {}, 1000);`;

export interface TestRegion {
  apps: Apps;
  router: TestRouter;
  data: string;
  /** Packs the files and uploads them. */
  build(files: Record<string, string>): Promise<AppRecord['build']>;
  get(app: string, path?: string): Promise<{ status: number; body: string }>;
  /** The agent dies, or is stopped, and a new one opens the same folder. */
  restart(options?: OpenOptions): Promise<void>;
}

export async function testRegion(engines: () => Promise<DatabaseEngine[]> = async () => []): Promise<TestRegion> {
  const data = tempFolder('region');
  const router = await startRouter();
  const control: GateControl = gateControl(router);
  const make = () =>
    new Apps({
      dataFolder: data,
      region: 'osc-fr1',
      domain: 'fr1.test',
      router: control,
      runtime: localRuntime,
      containers: dockerProjects('osc-fr1', join(data, 'no-docker.sock'), engines, join(data, 'images')),
      engines,
      drainMs: 300,
    });
  const region: TestRegion = {
    apps: make(),
    router,
    data,
    build: (files) => upload(region.apps, files),
    get: (app, path = '/') => get(router.ports.http, `${app}.fr1.test`, path),
    async restart(options) {
      await region.apps.close();
      region.apps = make();
      await region.apps.open(options);
    },
  };
  await region.apps.open();
  onTestFinished(async () => {
    for (const { name } of await region.apps.list()) await region.apps.moving.removeCompletely(name);
    await region.apps.close();
  });
  return region;
}

/** As a user writes it. */
export const record = (of: { name: string; [part: string]: unknown }): AppRecord => AppRecord.parse(of);

function gateControl({ client }: TestRouter): GateControl {
  return {
    put: (gate) => client.put(gate),
    remove: (app) => client.remove(app),
    upstreams: (app, upstreams) => client.upstreams(app, upstreams),
    metrics: (app) => client.metrics(app),
    certificates: (all) => client.certificates(all),
    status: async () => ({ gates: (await client.status()).gates.map(({ gate }) => gate) }),
  };
}

async function upload(apps: Apps, files: Record<string, string>): Promise<AppRecord['build']> {
  const { archive, sha256 } = pack(files);
  await apps.receiveBuild(sha256, createReadStream(archive));
  return { kind: 'archive', sha256, bytes: readFileSync(archive).length };
}

export function pack(
  files: Record<string, string>,
  tarArguments: string[] = ['.'],
): { archive: string; sha256: string } {
  const folder = tempFolder('build');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, 'in', path)), { recursive: true });
    writeFileSync(join(folder, 'in', path), content);
  }
  const archive = join(folder, 'build.tar.gz');
  execFileSync('tar', ['-czPf', archive, '-C', join(folder, 'in'), ...tarArguments]);
  return { archive, sha256: createHash('sha256').update(readFileSync(archive)).digest('hex') };
}

async function get(port: number, host: string, path: string): Promise<{ status: number; body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, resolve).once('error', reject).end(),
  );
  return { status: response.statusCode!, body: await text(response) };
}

/** As it stands in a value of the environment. */
export const ref = (name: string): string => `\${${name}}`;
