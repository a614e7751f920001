import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';

const child = join(import.meta.dirname, 'child.test-support.ts');
const stepCount = 24;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'storky-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a run that is killed again and again goes on from the step in which it was', { timeout: 120_000 }, async () => {
  const marks = join(folder, 'marks');
  let kills = 0;
  for (let round = 0; ; round++) {
    const process = spawn(globalThis.process.execPath, [child, join(folder, 'data'), marks, String(stepCount)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = new Promise<number | null>((resolve) => process.on('exit', resolve));
    const before = lines(marks).length;
    // Kill at a random moment after it has begun to work; from the fifth time on let it finish.
    const killer = (async () => {
      while (lines(marks).length === before) await sleep(10);
      await sleep(Math.random() * 300);
      if (round < 5) kills += Number(process.kill('SIGKILL'));
    })();
    const code = await exited;
    await killer;
    if (code === 0) break;
    expect(process.signalCode, 'it did not fail by itself').toBe('SIGKILL');
  }
  expect(kills).toBeGreaterThan(2);

  const all = lines(marks);
  expect(all.filter((line) => line === 'done').length).toBeGreaterThan(0);
  for (let i = 0; i < stepCount; i++) {
    expect(all, `step ${i} had its effect`).toContain(`end ${i}`);
    // Nothing earlier runs again once a later step has begun: its end was journalled before.
    expect(all.lastIndexOf(`begin ${i}`)).toBeLessThan(orEnd(all, `begin ${i + 1}`));
  }
  const begun = all.filter((line) => line.startsWith('begin')).length;
  expect(begun, 'each kill repeats one step at most').toBeLessThanOrEqual(stepCount + kills);
});

const orEnd = (all: string[], line: string) => (all.includes(line) ? all.indexOf(line) : all.length);

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
