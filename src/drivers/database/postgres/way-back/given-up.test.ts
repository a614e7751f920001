import { afterEach, expect, test } from 'vitest';
import { inventory } from '../testing/catalog-inventory.ts';
import { Pair } from '../testing/pair.ts';

let pair: Pair;
afterEach(() => pair.dispose());

const traces = async (side: 'a' | 'b') =>
  (await inventory(await pair.client(pair[side], 'admin'))).filter((line) =>
    /storky_(?!admin)|storky\b|refuse_/.test(line),
  );

for (const first of ['source', 'target'] as const)
  test(`before the switch it leaves nothing on either side; the ${first} role of the copy is closed first`, async () => {
    pair = new Pair();
    await pair.begin('CREATE TABLE t (id bigserial PRIMARY KEY); CREATE TABLE nokey (v text)');
    await pair.prepareWayBack();
    const closes = [() => pair.copy.source.close(pair.back!.id), () => pair.copy.target.close(pair.stream.id)];
    for (const close of first === 'source' ? closes : closes.toReversed()) await close();
    expect(await traces('b')).toEqual([]);
    await pair.app.query('INSERT INTO t DEFAULT VALUES');
    await pair.serving.source.close(pair.stream.id);
    expect(await traces('a')).toEqual([]);
    for (const close of closes) await close();
  }, 60_000);
