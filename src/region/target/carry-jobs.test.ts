import { once } from 'node:events';
import { expect, test } from 'vitest';
import { CarryJobs } from './carry-jobs.ts';

test('what is taken away ends its comparisons first, and nobody else’s', async () => {
  const jobs = new CarryJobs();
  const ends: string[] = [];
  const compare = (name: string) => async (signal: AbortSignal) => {
    await once(signal, 'abort');
    ends.push(name);
    throw new Error('ended');
  };
  const [mine, again] = [1, 2].map((n) => expect(jobs.run('m/db/verify', compare(`${n}`))).rejects.toThrow('ended'));
  const other = expect(jobs.run('other/db/verify', compare('other'))).rejects.toThrow('ended');
  await jobs.stop('m/db');
  expect(ends).toEqual(['1', '2']);
  await Promise.all([mine, again]);
  await jobs.stop('');
  await other;
  expect(await jobs.run('m/db/verify', async () => 7)).toBe(7);
});

test('a store whose name begins like that of another is not stopped with it', async () => {
  const jobs = new CarryJobs();
  const work = (signal: AbortSignal) => once(signal, 'abort').then(() => {});
  const events = { waiting: () => {}, failed: () => {} };
  for (const store of ['db', 'db2']) jobs.start(`m/${store}`, work, events);
  await jobs.stop('m/db');
  expect(['db', 'db2'].map((store) => jobs.running(`m/${store}`))).toEqual([false, true]);
  await jobs.stop('m');
  expect(jobs.running('m/db2')).toBe(false);
});
