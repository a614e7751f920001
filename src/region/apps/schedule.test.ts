import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { giveToAccount } from '../../base/account.ts';
import { localRuntime } from '../../drivers/runtime/local/runtime.ts';
import { adoptAll } from './adopt.ts';
import type { Duty } from './duty.ts';
import { ProcessTable } from './process-table.ts';
import { Schedule } from './schedule.ts';

afterEach(() => void vi.useRealTimers());

function scheduled(command: string, mayWork = () => true) {
  const folder = tempFolder('schedule');
  giveToAccount(folder);
  const logFile = join(folder, 'report.1.log');
  const duty: Duty = {
    type: 'report',
    index: 1,
    command,
    folder,
    environment: {},
    logFile,
    stopTimeoutMs: 500,
    web: null,
    spec: 's',
  };
  const table = new ProcessTable(join(folder, 'processes.json'));
  const make = () => new Schedule(duty, '* * * * *', localRuntime, table, mayWork);
  const schedule = make();
  onTestFinished(() => schedule.stop());
  return { schedule, make, table, log: () => readFileSync(logFile, 'utf8') };
}

test('a run never overlaps the one before', async () => {
  const { schedule, log } = scheduled('echo begun; sleep 0.3; echo ended');
  await Promise.all([schedule.fire(), schedule.fire(), schedule.fire()]);
  expect(log()).toBe('begun\nended\n');
  await schedule.fire();
  expect(log()).toBe('begun\nended\nbegun\nended\n');
});

test('nothing runs while the app may not work here', async () => {
  let may = false;
  const { schedule, log } = scheduled('echo ran', () => may);
  await schedule.fire();
  expect(log).toThrow();
  may = true;
  await schedule.fire();
  expect(log()).toBe('ran\n');
});

test('stop ends a run that is going, and no other begins', async () => {
  const { schedule, table, log } = scheduled('echo begun; sleep 60; echo ended');
  const run = schedule.fire();
  await waitFor(() => log() === 'begun\n');
  expect(schedule.view()).toMatchObject({ state: 'running' });
  await schedule.stop();
  await run;
  await schedule.fire();
  expect(table.entries()).toEqual([]);
  expect(log()).not.toContain('ended');
});

test('a failed run is noted and the next one comes', async () => {
  const { schedule, log } = scheduled('exit 4');
  await schedule.fire();
  await schedule.fire();
  expect(log()).toBe('storky: the scheduled run ended with exit code 4\n'.repeat(2));
});

test('a run that outlives the agent is not started again beside itself', async () => {
  const { schedule, make, table, log } = scheduled('echo begun; sleep 1');
  void schedule.fire();
  await waitFor(() => log() === 'begun\n');
  schedule.release();
  const [adopted] = await adoptAll(localRuntime, table);
  const next = make().start(adopted);
  await next.fire();
  expect(log()).toBe('begun\n');
  await waitFor(() => table.entries().length === 0);
  await next.stop();
});

test('rings at its minute, once, also when the timer is early', async () => {
  vi.useFakeTimers({ now: new Date('2026-03-01T10:00:59.500Z'), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const { schedule } = scheduled('true');
  const fire = vi.spyOn(schedule, 'fire').mockResolvedValue();
  schedule.start();
  await vi.advanceTimersByTimeAsync(499);
  expect(fire).toHaveBeenCalledTimes(0);
  await vi.advanceTimersByTimeAsync(1);
  vi.setSystemTime(new Date('2026-03-01T10:00:59.999Z'));
  await vi.advanceTimersByTimeAsync(59_000);
  expect(fire).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(fire).toHaveBeenCalledTimes(2);
});
