import { expect, test } from 'vitest';
import { Doubt } from './doubt.ts';

const windowMs = 10_000;

/** A look a second; `pressed` as it would be found at each of them. Says which look it was, and what was to be done. */
function looks(doubt: Doubt, pressed: (held: boolean) => boolean | undefined, count: number, atFloor = true) {
  const said: [number, string][] = [];
  for (let n = 1; n <= count; n++) {
    const verdict = doubt.look(n * 1000, pressed(doubt.holds), atFloor, windowMs);
    if (verdict) said.push([n, verdict]);
  }
  return said;
}

test('what stays as slow with the copy held is normal by now; it is judged when nothing of the copy is looked at any more', () => {
  expect(looks(new Doubt(), () => true, 21)).toEqual([
    [10, 'hold'],
    [20, 'it was not the copy'],
  ]);
});

test('what recovers while it is held was the copy: it goes on at once, and is held more and more seldom', () => {
  expect(looks(new Doubt(), (held) => !held, 80)).toEqual([
    [10, 'hold'],
    [11, 'it was the copy'],
    [31, 'hold'],
    [32, 'it was the copy'],
    [72, 'hold'],
    [73, 'it was the copy'],
  ]);
});

test('it is not held where it can be slowed down further, nor kept where nobody comes any more', () => {
  expect(looks(new Doubt(), () => true, 50, false)).toEqual([]);
  expect(looks(new Doubt(), (held) => (held ? undefined : true), 12)).toEqual([
    [10, 'hold'],
    [11, 'nothing was learnt'],
  ]);
});
