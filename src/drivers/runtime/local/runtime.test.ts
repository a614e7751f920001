import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveToAccount, unprivilegedAccount } from '../../../base/account.ts';
import type { ProcessHandle, ProcessSpec } from '../contract.ts';
import { membersOf, parseStat } from './proc.ts';
import { localRuntime } from './runtime.ts';

let folder: string;
let handles: ProcessHandle[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'storky-runtime-'));
  chmodSync(folder, 0o755);
  giveToAccount(folder);
  handles = [];
});

afterEach(async () => {
  for (const handle of handles) await localRuntime.stop(handle, 0);
  rmSync(folder, { recursive: true, force: true });
});

const spec = (command: string, environment: Record<string, string> = {}): ProcessSpec => ({
  run: 'r1',
  command,
  folder,
  environment,
  logFile: join(folder, 'log'),
});
const start = (of: ProcessSpec) => localRuntime.start(of, (handle) => void handles.push(handle));
const log = () => readFileSync(join(folder, 'log'), 'utf8');

async function until(what: () => boolean, withinMs = 5000) {
  for (const end = Date.now() + withinMs; !what(); await sleep(20))
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
}

test('runs in its folder with a clean environment, under the unprivileged account, output in the log', async () => {
  const running = await start(spec('pwd; env | sort; id -u; echo bad >&2; exit 3', { COLOUR: 'red' }));
  expect(await running.exited).toEqual({ code: 3, signal: null });
  const lines = log().split('\n');
  expect(lines).toContain(folder);
  expect(lines).toContain('COLOUR=red');
  expect(lines).toContain('bad');
  expect(lines).toContain(String(unprivilegedAccount()?.uid ?? process.getuid!()));
  expect(log()).not.toMatch(/npm_|VITEST/);
});

test('a command of one program becomes the process itself', async () => {
  const running = await start(spec('sleep 60'));
  await until(() => readFileSync(`/proc/${running.pid}/comm`, 'utf8') === 'sleep\n');
  expect(await localRuntime.alive(running.handle)).toBe(true);
});

test('stop ends children too, also those that ignore the signal and those that left the group', async () => {
  writeFileSync(
    join(folder, 'stubborn.js'),
    `process.on('SIGTERM', () => {});
     require('child_process').spawn('/bin/sh', ['-c', 'set -m; sleep 61 & wait'], { stdio: 'ignore' });
     console.log('up'); setInterval(() => {}, 1000);`,
  );
  const running = await start(spec('node stubborn.js & wait'));
  await until(() => log().includes('up') && membersOf(running.pid!).length >= 4);
  await localRuntime.stop(running.handle, 300);
  expect(membersOf(running.pid!)).toEqual([]);
  expect(await localRuntime.alive(running.handle)).toBe(false);
});

test('children that outlive their parent are found and ended', async () => {
  const running = await start(spec('sleep 62 & exit 1'));
  await running.exited;
  await until(() => membersOf(running.pid!).length === 1);
  await localRuntime.stop(running.handle, 1000);
  expect(membersOf(running.pid!)).toEqual([]);
});

test('an adopted process is watched to its end', async () => {
  const running = await start(spec('sleep 63'));
  const adopted = await localRuntime.adopt(running.handle);
  expect(adopted?.pid).toBe(running.pid);
  process.kill(running.pid!, 'SIGKILL');
  expect(await adopted!.exited).toEqual({ code: null, signal: null });
});

test('a pid that another process has got since is not adopted, and not killed', async () => {
  const running = await start(spec('sleep 64'));
  const stale = { ...running.handle, startTime: (running.handle.startTime as number) - 1 };
  expect(await localRuntime.adopt(stale)).toBeUndefined();
  await localRuntime.stop(stale, 1000);
  expect(await localRuntime.alive(running.handle)).toBe(true);
  expect(await localRuntime.adopt({ ...running.handle, boot: 'another' })).toBeUndefined();
});

test('nothing runs when the handle could not be remembered', async () => {
  let pid = 0;
  const refused = localRuntime.start(spec('touch ran'), (handle) => {
    pid = handle.pid as number;
    throw new Error('disk full');
  });
  await expect(refused).rejects.toThrow('disk full');
  await until(() => membersOf(pid).length === 0);
  expect(existsSync(join(folder, 'ran'))).toBe(false);
});

test('nothing runs when the starter is killed before it remembered', async () => {
  const script = `
    import fs from 'node:fs';
    import { localRuntime } from ${JSON.stringify(join(import.meta.dirname, 'runtime.ts'))};
    await localRuntime.start(${JSON.stringify(spec('touch ran; sleep 65'))}, (handle) => {
      fs.writeSync(1, String(handle.pid)); process.kill(process.pid, 'SIGKILL');
    });`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let out = '';
  starter.stdout.on('data', (chunk) => (out += chunk));
  const [, signal] = await once(starter, 'close');
  expect(signal).toBe('SIGKILL');
  await until(() => membersOf(Number(out)).length === 0);
  expect(existsSync(join(folder, 'ran'))).toBe(false);
});

test('a process outlives its starter', async () => {
  const script = `
    import { localRuntime } from ${JSON.stringify(join(import.meta.dirname, 'runtime.ts'))};
    await localRuntime.start(${JSON.stringify(spec('echo begun; exec sleep 66'))}, (handle) => console.log(JSON.stringify(handle)));
    setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let out = '';
  starter.stdout.on('data', (chunk) => (out += chunk));
  await until(() => out.includes('\n') && existsSync(join(folder, 'log')) && log().includes('begun'));
  starter.kill('SIGKILL');
  await once(starter, 'close');
  const handle = JSON.parse(out) as ProcessHandle;
  handles.push(handle);
  expect((await localRuntime.adopt(handle))?.pid).toBe(handle.pid);
});

test("the kernel's line is read past a name with spaces and parentheses", () => {
  const rest = 'S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0';
  expect(parseStat(`17 (a) b (c) ${rest}`)).toEqual({ pid: 17, state: 'S', group: 42, session: 42, startTime: 987654 });
});
