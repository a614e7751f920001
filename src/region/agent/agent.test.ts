import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorkyError } from '../../protocol/errors.ts';
import { TestAuthority } from '../link/authority.test-support.ts';
import { connectRegion } from '../link/region-client.ts';
import { controlName } from '../link/tls.ts';
import { emptyParts } from './agent.test-support.ts';
import { type AgentOptions, type RunningAgent, startAgent } from './agent.ts';
import { type EnrolmentDesk, openEnrolmentDesk } from './control.test-support.ts';

let folder: string;
let authority: TestAuthority;
let desk: EnrolmentDesk;
let running: RunningAgent | undefined;
/** A test that failed halfway leaves no router behind. */
let routers: Set<number>;
beforeEach(async () => {
  routers = new Set();
  folder = mkdtempSync(join(tmpdir(), 'storky-agent-'));
  authority = await TestAuthority.create();
  desk = await openEnrolmentDesk(authority);
});
afterEach(async () => {
  await running?.stop({ everything: true });
  running = undefined;
  for (const pid of routers) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  desk.close();
  rmSync(folder, { recursive: true });
});

function options(change: Partial<AgentOptions> = {}): AgentOptions {
  const listen = { host: '127.0.0.1', port: 0 };
  const { url: server, token } = desk;
  const ours = { name: 'osc-fr1', dataFolder: folder, listen, advertise: '127.0.0.1', httpPort: 0, ingressPort: 0 };
  return { ...ours, server, token, domain: 'osc-fr1.localhost', ...change };
}
async function start(change: Partial<AgentOptions> = {}): Promise<RunningAgent> {
  running = await startAgent(options(change), emptyParts);
  routers.add(running.router.pid!);
  return running;
}
async function ask<T>(agent: RunningAgent, question: (calls: ReturnType<typeof connectRegion>['calls']) => Promise<T>) {
  const client = connectRegion(await authority.issue(controlName), agent.address);
  return question(client.calls).finally(() => client.close());
}
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as StorkyError,
  );
/** An agent in a process of its own, once it is ready. */
async function startElsewhere(): Promise<{ child: ChildProcess; router: number }> {
  const program = fileURLToPath(new URL('./agent.test-support.ts', import.meta.url));
  const child = fork(program, [JSON.stringify(options())], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const [{ router }] = (await once(child, 'message')) as [{ router: number }];
  routers.add(router);
  return { child, router };
}

test('an agent enrols, says what its region has, and answers with the error of a part', async () => {
  const agent = await start();
  expect(desk.asked).toMatchObject([{ address: { host: '127.0.0.1', port: agent.address.port } }]);
  const info = await ask(agent, (calls) => calls.info());
  expect(info).toMatchObject({
    address: agent.address,
    protocol: 1,
    runtimes: ['local'],
    publicHttpPort: agent.httpPort,
  });
  expect(info.diskFreeBytes).toBeGreaterThan(0);
  expect(await caught(ask(agent, (calls) => calls.apps.list()))).toMatchObject({ code: 'unsupported' });
});

test('a restarted agent is the same one: ports, identity and router', async () => {
  const before = await start();
  await before.stop();
  const after = await start({ server: undefined, token: undefined });
  expect(after.address).toEqual(before.address);
  expect(after.router.pid).toEqual(before.router.pid);
  expect(await ask(after, (calls) => calls.info())).toMatchObject({ address: before.address });
});

test('a second agent on the same folder is refused and harms nothing', async () => {
  const agent = await start();
  expect(await caught(startAgent(options(), emptyParts))).toMatchObject({ code: 'folder_in_use', fields: { folder } });
  expect(await ask(agent, (calls) => calls.info())).toMatchObject({ address: agent.address });
});

test('a killed agent leaves its router, and a folder that the next one can use', { timeout: 15_000 }, async () => {
  const { child, router } = await startElsewhere();
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await start()).router.pid).toBe(router);
});

test('SIGTERM ends the agent, not its router', { timeout: 15_000 }, async () => {
  const { child, router } = await startElsewhere();
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect((await start()).router.pid).toBe(router);
});

test('without a certificate or a token it says how to get one', async () => {
  expect(await caught(start({ token: undefined }))).toMatchObject({ code: 'not_enrolled' });
});

test("another name than the certificate's is refused", async () => {
  await (await start()).stop();
  const renamed = startAgent(options({ name: 'osc-fr2' }), emptyParts);
  expect(await caught(renamed)).toMatchObject({ code: 'bad_request', fields: { field: '--name' } });
  await start();
});
