import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Processes } from './processes.ts';

const manifest = fileURLToPath(new URL('../shop/storky.yaml', import.meta.url));
export const from = 'osc-fr1';
export const to = 'osc-secnum-fr1';

export interface Stage {
  server: string;
  /** `http://host:port` of each region's router. */
  routers: Record<string, string>;
  hostName: string;
}

/** A control plane and two regions, each a process with a folder of its own, and the shop in the first. */
export async function setTheStage(processes: Processes, tell: (line: string) => void): Promise<Stage> {
  const server = await processes.start<{ address: string }>('server', [
    'server',
    '--data',
    join(processes.folder, 'server'),
    '--listen',
    '127.0.0.1:0',
    '--login',
  ]);
  tell(`the control plane answers at ${server.address}, its state in an embedded PostgreSQL`);
  const routers: Record<string, string> = {};
  for (const region of [from, to]) routers[region] = await startRegion(processes, server.address, region);
  tell(`two regions are enrolled: ${from} and ${to}; each has an agent and a router of its own`);
  await processes.run(['--region', from, 'apply', '-f', manifest, '--yes']);
  const app = await processes.json<{ url: string }>(['--region', from, '--app', 'shop', 'app']);
  tell(`the shop runs in ${from}: web, worker, a schedule, PostgreSQL and uploads — ${app.url}`);
  return { server: server.address, routers, hostName: 'shop.localhost' };
}

async function startRegion(processes: Processes, server: string, region: string): Promise<string> {
  const { token } = await processes.json<{ token: string }>(['regions-add', region]);
  const agent = await processes.start<{ httpPort: number }>(region, [
    'agent',
    '--name',
    region,
    '--server',
    server,
    '--token',
    token,
    '--data',
    join(processes.folder, region),
    '--listen',
    '127.0.0.1:0',
    '--advertise',
    '127.0.0.1',
    '--http-port',
    '0',
    '--ingress-port',
    '0',
    '--domain',
    `${region}.localhost`,
    '--stop-all',
  ]);
  return `http://127.0.0.1:${agent.httpPort}`;
}

/** Where the moved data is, for the ledger to look at directly: the demo is root on both machines. */
export function storesOf(processes: Processes, region: string): { databaseUrl: string; uploadsFolder: string } {
  const folder = join(processes.folder, region, 'apps', 'shop');
  const { instances } = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8')) as {
    instances: { user: string; password: string; host: string; port: number; database: string }[];
  };
  const { user, password, host, port, database } = instances[0]!;
  return {
    databaseUrl: `postgres://${user}:${password}@${host}:${port}/${database}`,
    uploadsFolder: join(folder, 'files', 'uploads'),
  };
}
