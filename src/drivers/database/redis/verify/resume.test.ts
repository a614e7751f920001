import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { Bookmark } from '../../../store.ts';
import { never } from '../../conformance/rig.ts';
import { caughtUp } from '../target/lag.ts';
import { Move } from '../testing/servers.ts';
import { ask } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';

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

/** Dies after so many parts, or does something then. */
async function verify(cutAfter = Number.POSITIVE_INFINITY, between?: () => Promise<void>) {
  let [first, parts] = [0, 0];
  const rest = async () => {
    if (++parts < cutAfter) return;
    if (!between) throw new Error('the agent died');
    if (parts === cutAfter) await between();
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
  kept = { at: JSON.stringify({ copy: 'another', db: 1, pass: 'target', cursor: '5' }), items: 7_000 };
  const { items, first } = await verify();
  expect(items).toBeGreaterThanOrEqual(firstKeys + secondKeys);
  expect(first).toBeLessThan(firstKeys);
});

/** The stream breaks and misses more than the backlog holds: the target gets a whole new copy, with a wrong key in it. */
async function copiedAnew(wrong: string): Promise<void> {
  const [source, copy] = [
    await move.servers.client(move.here, 'admin'),
    await move.servers.client(move.there, 'admin'),
  ];
  const copies = async () => Number((await infoOf(source, 'stats')).sync_full);
  const before = await copies();
  await ask(source, 'CONFIG', 'SET', 'repl-backlog-size', '16kb');
  const filler = Buffer.alloc(2_000_000);
  await source.multi().call('CLIENT', 'KILL', 'TYPE', 'replica').set('filler', filler).set('filler', filler).exec();
  await waitFor(async () => (await copies()) > before, { timeout: 20_000, what: 'another copy' });
  await caughtUp(source, copy, never);
  await ask(copy, 'CONFIG', 'SET', 'replica-read-only', 'no');
  await ask(copy, 'SET', wrong, 'other');
}

test('a copy that is made anew is compared anew: after a cut, and in the middle of one comparison', async () => {
  const { parts } = await verify();
  const late = Math.floor(parts * 0.9);
  await expect(verify(late)).rejects.toThrow('the agent died');
  expect(JSON.parse(kept!.at)).toMatchObject({ db: 1 });
  await copiedAnew('key 5');
  expect((await verify()).differences).toEqual(['database 0: the key key 5 differs']);
  const found = await verify(late, () => copiedAnew('key 6'));
  expect(found.differences).toEqual(['database 0: the key key 6 differs']);
}, 60_000);
