import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { spawnForTest, spawnGroup } from './spawned.ts';

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('nothing of a program survives, not even what it started and what ignores SIGTERM', async () => {
  const script = 'trap "" TERM; sleep 60 & echo "child $!"; wait; wait';
  const { spawned, end } = spawnGroup('bash', ['-c', script]);
  const [, child] = await spawned.says(/child (\d+)/);
  spawned.signal('SIGKILL'); // a crash: its child is left behind
  await sleep(50);
  expect(alive(Number(child))).toBe(true);
  await end();
  for (let i = 0; i < 100 && alive(Number(child)); i++) await sleep(20);
  expect(alive(Number(child))).toBe(false);
});

test('says: the match, or what it said instead', async () => {
  const program = spawnForTest('bash', ['-c', 'echo one; echo two >&2; exit 3']);
  expect((await program.says(/o(n)e/))[1]).toBe('n');
  await expect(program.says(/three/)).rejects.toThrow(/ended before it said .*two/s);
  expect(await program.ended).toEqual({ code: 3, signal: null });
});
