import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bookmark } from '../../../store.ts';
import { never } from '../../conformance/rig.ts';
import { Move } from '../testing/servers.ts';
import { ask } from '../wire/connect.ts';

const [firstKeys, secondKeys] = [6_000, 2_000];
let move: Move;
let kept: ReturnType<Bookmark['get']> = null;
const bookmark: Bookmark = {
  get: () => kept,
  set: (at, items) => {
    kept = { at, items };
  },
  clear: () => {
    kept = null;
  },
};

beforeAll(async () => {
  move = await Move.begin();
  const fill = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key ' .. i, i) end";
  await move.app.eval(fill, 0, firstKeys);
  await ask(move.app, 'SELECT', 1);
  await move.app.eval(fill, 0, secondKeys);
  await move.copy();
}, 60_000);
afterAll(() => move?.dispose());

/** Dies after so many parts. */
async function verify(cutAfter = Number.POSITIVE_INFINITY) {
  let [first, parts] = [0, 0];
  const rest = async () => {
    if (++parts >= cutAfter) throw new Error('the agent died');
  };
  const report = ({ done }: { done: number }) => {
    first ||= done;
  };
  const { host, port, openStream } = move.tunnel;
  const from = { host, port, openStream, rest, bookmark };
  return { ...(await move.target.verify(move.migration, move.ticket, from, report, never)), first, parts };
}

test('a comparison that is cut short goes on where it was, in each database and each pass', async () => {
  const whole = await verify();
  expect(whole).toMatchObject({ differences: [] });
  // A key may be met twice; none is left out.
  expect(whole.items).toBeGreaterThanOrEqual(firstKeys + secondKeys);
  expect(kept).toBeNull();
  for (const cutAfter of [4, Math.floor(whole.parts / 2), whole.parts - 2]) {
    await expect(verify(cutAfter)).rejects.toThrow('the agent died');
    const { items } = kept!;
    expect(items).toBeGreaterThan(0);
    const rest = await verify();
    expect(rest).toMatchObject({ items: whole.items, differences: [], parts: whole.parts - cutAfter });
    expect(rest.first).toBeGreaterThanOrEqual(items);
    expect(kept).toBeNull();
  }
});

test('what is wrong after the cut is found; what was found before it is found again', async () => {
  const copy = await move.servers.client(move.there, 'admin');
  await ask(copy, 'CONFIG', 'SET', 'replica-read-only', 'no');
  await ask(copy, 'SELECT', 1);
  await expect(verify(4)).rejects.toThrow('the agent died');
  await ask(copy, 'SETBIT', 'key 77', 7, 1 - ((await ask<number>(copy, 'GETBIT', 'key 77', 7)) as number));
  const wrong = { differences: ['database 1: the key key 77 differs'] };
  const { parts, ...found } = await verify();
  expect(found).toMatchObject(wrong);
  const all = await verify();
  expect(all).toMatchObject(wrong);
  await expect(verify(all.parts - 1)).rejects.toThrow('the agent died');
  expect(await verify()).toMatchObject(wrong);
});

test('a cursor means nothing to a server that was started anew: everything is compared', async () => {
  kept = { at: JSON.stringify({ servers: 'others', db: 1, pass: 'target', cursor: '5' }), items: 7_000 };
  const { items, first } = await verify();
  expect(items).toBeGreaterThanOrEqual(firstKeys + secondKeys);
  expect(first).toBeLessThan(firstKeys);
});
