import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GtidSet } from './gtid-set.ts';

const [a, b] = ['3e11fa47-71ca-11e1-9e33-c80aa9429562', '24da1670-0c0c-11e5-a8f8-0800272cde1b'];

/** A set as a plain list of its members, small enough to count. */
const members = fc.array(
  fc.tuple(fc.constantFrom(a, b, `${a}:blue`), fc.integer({ min: 1, max: 30 })).map(([origin, n]) => `${origin} ${n}`),
);
const setOf = (list: string[]) =>
  list.reduce((set, member) => set.plus(GtidSet.parse(member.replace(' ', ':'))), GtidSet.parse(''));
const list = (set: GtidSet) => {
  const found: string[] = [];
  for (const origin of [a, b, `${a}:blue`])
    for (let n = 1; n <= 30; n++) if (set.includes(GtidSet.parse(`${origin}:${n}`))) found.push(`${origin} ${n}`);
  return found.sort();
};
const unique = (all: string[]) => [...new Set(all)].sort();

describe('sets of GTIDs', () => {
  test('are read as the manual prints them: intervals, several servers, tags, broken lines, capitals', () => {
    expect(String(GtidSet.parse('3E11FA47-71CA-11E1-9E33-C80AA9429562:1-3:11:47-49'))).toBe(`${a}:1-3:11:47-49`);
    expect(String(GtidSet.parse(`${b}:1-3,\n${a}:1-5, ${b}:7`))).toBe(`${b}:1-3:7,${a}:1-5`);
    expect(String(GtidSet.parse(`${a}:1-5:4-9:10`))).toBe(`${a}:1-10`);
    const tagged = GtidSet.parse(`${a}:1:blue:5-7:9`);
    expect(tagged.equals(GtidSet.parse(`${a}:blue:9:5-7,${a}:1`))).toBe(true);
    expect(tagged.includes(GtidSet.parse(`${a}:5`))).toBe(false);
    expect(String(GtidSet.parse(''))).toBe('');
    expect(
      String(
        GtidSet.parse(`${a}:9223372036854775806-9223372036854775807`).minus(GtidSet.parse(`${a}:9223372036854775807`)),
      ),
    ).toBe(`${a}:9223372036854775806`);
  });

  test('what is not understood is never taken for nothing', () => {
    for (const text of ['0-1-100', a, `${a}:`, `${a}:x y`, `${a}:1-`, 'ON', `${a}:1;DROP`])
      expect(() => GtidSet.parse(text)).toThrow('not a set of GTIDs');
  });

  test('plus, minus, includes and equals are those of sets, and what is written is read again as the same', () => {
    fc.assert(
      fc.property(members, members, (left, right) => {
        const [one, other] = [setOf(left), setOf(right)];
        expect(list(one)).toEqual(unique(left));
        expect(list(one.plus(other))).toEqual(unique([...left, ...right]));
        expect(list(one.minus(other))).toEqual(unique(left).filter((member) => !right.includes(member)));
        expect(one.includes(other)).toBe(right.every((member) => left.includes(member)));
        expect(one.equals(other)).toBe(unique(left).join() === unique(right).join());
        expect(GtidSet.parse(String(one)).equals(one)).toBe(true);
        expect(list(one.of(b))).toEqual(unique(left).filter((member) => member.startsWith(b)));
      }),
    );
  });
});
