import { expect, test } from 'vitest';
import type { Bookmark } from '../store.ts';
import { Place } from './place.ts';

function bookmark(): Bookmark {
  let kept: ReturnType<Bookmark['get']> = null;
  return {
    get: () => kept,
    set: (at, items) => {
      kept = { at, items };
    },
    clear: () => {
      kept = null;
    },
  };
}

test('goes on after the last range of a table, and after a table', () => {
  const kept = bookmark();
  const first = new Place<string>(kept);
  first.reached('a', '7', { items: 7, differences: [] });
  expect(new Place<string>(kept).in('a')).toBe('7');
  first.reached('a', null, { items: 9, differences: [], unsettled: 0 });
  const again = new Place<string>(kept);
  expect([again.isPast('a'), again.isPast('b'), again.in('b'), again.items]).toEqual([true, false, null, 9]);
});

test('nothing is kept from the first row on that is different, or that never stood still', () => {
  for (const found of [{ differences: ['a: the row id = 8 differs'] }, { differences: [], unsettled: 1 }]) {
    const kept = bookmark();
    const place = new Place<string>(kept);
    place.reached('a', '7', { items: 7, differences: [] });
    place.reached('a', '9', { items: 9, ...found });
    place.reached('a', null, { items: 11, ...found });
    expect(new Place<string>(kept).in('a')).toBe('7');
  }
});
