import { expect, test } from 'vitest';
import { resolve } from './references.ts';
import { ref } from './region.test-support.ts';

const known = new Map([
  ['addons.db.url', 'postgresql://u:p@127.0.0.1:5432/d'],
  ['addons.db.host', '127.0.0.1'],
  ['app.name', 'shop'],
]);

test('references are resolved wherever they stand in a value', () => {
  expect(
    resolve({ A: ref('addons.db.url'), B: `x-${ref('app.name')}-${ref('addons.db.host')}`, C: 'plain' }, known),
  ).toEqual({
    A: 'postgresql://u:p@127.0.0.1:5432/d',
    B: 'x-shop-127.0.0.1',
    C: 'plain',
  });
});

test('text that only looks alike stays as it is', () => {
  const raw = { A: ref('HOME'), B: 'a$b{x}', C: ref(''), D: '$app.name', E: ref('a b.c') };
  expect(resolve(raw, known)).toEqual(raw);
});

test('what a reference stands for is not searched for references again', () => {
  expect(resolve({ A: ref('a.b') }, new Map([['a.b', ref('app.name')]]))).toEqual({ A: ref('app.name') });
});

test('an unknown reference names the variable and what there is, and no value', () => {
  const wrong = () => resolve({ DATABASE_URL: ref('addons.dbb.url') }, known);
  expect(wrong).toThrow(
    `DATABASE_URL refers to ${ref('addons.dbb.url')}, which does not exist; there is ${ref('addons.db.url')}, ${ref('addons.db.host')}`,
  );
  expect(wrong).not.toThrow('5432');
});
