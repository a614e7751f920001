import { expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import { persist } from './persist.ts';

const atOnce = () => 0;
const cut = () => new StorkyError('link_lost', { region: 'east', peer: 'west', detail: 'cut' });

async function attempts(fail: (attempt: number) => Error | undefined): Promise<{ count: number; error?: Error }> {
  let count = 0;
  const work = async () => {
    const error = fail(++count);
    if (error) throw error;
  };
  const error = await persist('a test', work, AbortSignal.timeout(10_000), () => {}, atOnce).catch((thrown) => thrown);
  return { count, error };
}

test('a region that is away is waited for, however long', async () => {
  expect(await attempts((n) => (n < 40 ? cut() : undefined))).toEqual({ count: 40, error: undefined });
});

test('what a person has to mend is not tried again; what mends itself is, until it comes nowhere', async () => {
  const broken = new StorkyError('schema_changed', { store: 'db', detail: 'a column' });
  expect(await attempts(() => broken)).toEqual({ count: 1, error: broken });
  const { count, error } = await attempts(() => new Error('who knows'));
  expect(error).toBeInstanceOf(StorkyError);
  expect(count).toBe(12);
});
