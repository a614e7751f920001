import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import { sayingIfFull } from './disk-full.ts';

const place = { region: 'east', dataFolder: tmpdir() };
const broken = new Error('the connection broke');
const bytes = (done: number, total: number | null) => ({ done, total, unit: 'bytes' as const });

test('what is still to come does not fit: the disk is the matter, whatever failed', async () => {
  const error = (await sayingIfFull(broken, place, bytes(1e9, 1e18))) as StorkyError;
  expect(error).toBeInstanceOf(StorkyError);
  expect(error.code).toBe('not_enough_disk');
  expect(error.message).toMatch(/^east has [\d.]+ MB free; the move needs \d+ MB more\.$/);
  expect(error.cause).toBe(broken);
});

test('there is room, or nobody knows how much is needed: it is what it is', async () => {
  for (const progress of [bytes(1e18 - 1, 1e18), bytes(1e9, null), null])
    expect(await sayingIfFull(broken, place, progress)).toBe(broken);
});
