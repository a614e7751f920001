import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorkyError } from '../../protocol/errors.ts';
import { TestAuthority } from '../link/authority.test-support.ts';
import { AgentIdentity } from './identity.ts';
import { settlePorts } from './ports.ts';
import { answers } from './router-answers.ts';
import { type RouterOrder, RouterSupervisor } from './router-supervisor.ts';

let folder: string;
let identity: AgentIdentity;
let supervisors: RouterSupervisor[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'storky-router-'));
  identity = AgentIdentity.open(folder);
  const authority = await TestAuthority.create();
  const certificate = await authority.sign(await identity.request('osc-fr1'), 'osc-fr1');
  identity.store('osc-fr1', certificate, authority.ca, { host: '127.0.0.1', port: 7501, ingressPort: 7502 });
  supervisors = [];
});
afterEach(async () => {
  for (const supervisor of supervisors.reverse()) await supervisor.stop();
  rmSync(folder, { recursive: true });
});

async function start(change: Partial<RouterOrder> = {}): Promise<RouterSupervisor> {
  const host = '127.0.0.1';
  const ports = await settlePorts(folder, host, { agent: 0, http: 0, ingress: 0 });
  const places = { http: { host, port: ports.http }, ingress: { host, port: ports.ingress } };
  const order = { region: 'osc-fr1', dataFolder: folder, ...places, identity: identity.files };
  const supervisor = new RouterSupervisor({ ...order, ...change });
  supervisors.push(supervisor);
  await supervisor.start();
  return supervisor;
}
const lives = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0] !== 'Z';

test('the router survives the restart of its agent', async () => {
  const before = await start();
  const pid = before.pid!;
  await before.release();
  expect(lives(pid)).toBe(true);
  const after = await start();
  expect(after.pid).toBe(pid);
  expect(await answers(after.config.socketPath)).toBe(true);
});

test('a router that dies is started again, by the agent that started it or by the next', async () => {
  const before = await start();
  const first = before.pid!;
  process.kill(first, 'SIGKILL');
  await expect.poll(() => before.pid !== first && answers(before.config.socketPath), { timeout: 5000 }).toBe(true);
  await before.release();
  const after = await start();
  const second = after.pid!;
  process.kill(second, 'SIGKILL');
  await expect.poll(() => after.pid !== second && answers(after.config.socketPath), { timeout: 5000 }).toBe(true);
});

test('a router with other ports than now wanted is replaced', async () => {
  const before = await start();
  const pid = before.pid!;
  await before.release();
  const { http, ingress } = before.config;
  const after = await start({ http: { ...http, port: ingress.port }, ingress: { ...http } });
  expect(after.pid).not.toBe(pid);
  expect(() => lives(pid)).toThrow('ENOENT');
});

test('a router that cannot start is an error that names its log', async () => {
  const error = await start({ main: '/nowhere/main.js' }).then(
    () => undefined,
    (caught) => caught as StorkyError,
  );
  expect(error?.fields.detail).toContain('router.log');
  expect(readFileSync(join(folder, 'router/router.log'), 'utf8')).toContain('Cannot find module');
});

test('below a deep folder the control socket still has a path that fits', async () => {
  const deep = join(folder, 'deep'.repeat(30));
  mkdirSync(deep);
  const supervisor = await start({ dataFolder: deep });
  expect(Buffer.byteLength(supervisor.config.socketPath)).toBeLessThanOrEqual(107);
  const socket = connect(supervisor.config.socketPath);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  rmSync(join(supervisor.config.socketPath, '..'), { recursive: true });
});
