import fc from 'fast-check';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { facts, table } from './table.ts';
import { amount, bytes, duration } from './units.ts';
import { widthOf, wrap } from './wrap.ts';

const paint = createColors(true);

describe('wrap', () => {
  test('breaks at spaces and indents what follows', () => {
    expect(wrap('one two three four', 12)).toEqual(['one two', '  three four']);
  });

  test('colours take no room and are not cut', () => {
    const red = paint.red('one two three');
    expect(wrap(red, 13)).toEqual([red]);
    expect(wrap(paint.red('x'.repeat(30)), 12).join('')).toContain('\x1b[31m');
  });

  test('whatever the text, no line is wider than the terminal and no letter is lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,40}$/), { minLength: 1 }),
        fc.integer({ min: 12, max: 80 }),
        (words, columns) => {
          const lines = wrap(words.join(' '), columns);
          expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
          expect(lines.join('').replaceAll(' ', '')).toBe(words.join(''));
        },
      ),
    );
  });
});

test('tables are aligned, also when cells are coloured', () => {
  const rows = [
    ['a', paint.green('running'), '7'],
    ['long-name', 'no', '1234'],
  ];
  const text = table(['Name', 'State', { title: 'N', align: 'right' }], rows);
  expect(text.replace(/\x1b\[\d+m/g, '')).toBe(
    'Name       State       N\na          running     7\nlong-name  no       1234',
  );
});

test('facts stand below each other', () => {
  expect(
    facts(
      [
        ['A', '1'],
        ['Long name', '2'],
      ],
      (text) => text,
    ),
  ).toBe('A:         1\nLong name: 2');
});

test.each([
  [0.12, '0.1 ms'],
  [41.6, '42 ms'],
  [999, '999 ms'],
  [2_450, '2.4 s'],
  [10_000, '10 s'],
  [59_999, '59.9 s'],
  [185_000, '3 min 05 s'],
  [7_800_000, '2 h 10 min'],
])('%d ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [999_999, '1.0 MB'],
  [123_456_789, '123 MB'],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text);
});

test('amounts carry their unit', () => {
  expect([amount(1_234_567, 'rows'), amount(2_000, 'bytes'), amount(1_500, 'ms')]).toEqual([
    '1,234,567 rows',
    '2.0 kB',
    '1.5 s',
  ]);
});
