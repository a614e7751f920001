import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostForOne, RowInPieces } from './row-in-pieces.ts';

const values = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 20 }),
  fc.uint8Array({ minLength: 240, maxLength: 300 }),
  fc.constant(new Uint8Array(70_000).fill(0x5c)),
  fc.array(fc.constantFrom(0x09, 0x0a, 0x5c, 0x4e, 0xfb), { maxLength: 9 }).map((bytes) => Uint8Array.from(bytes)),
);

test('a row that comes in any pieces is the line that LOAD DATA reads as its values', () => {
  fc.assert(
    fc.property(
      fc.array(values, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (row, cutsAt) => {
        const payload = Buffer.concat(row.map(packed));
        const cuts = [0, ...cutsAt.map((at) => at % (payload.length + 1)).sort((a, b) => a - b), payload.length];
        const reading = new RowInPieces(row.length);
        const out = Buffer.alloc(payload.length * mostForOne + row.length);
        let to = 0;
        for (let n = 1; n < cuts.length; n++) to = reading.take(payload.subarray(cuts[n - 1], cuts[n]), out, to);
        expect(out.subarray(0, to).equals(lineOf(row))).toBe(true);
      },
    ),
  );
});

/** As the protocol has it: its length, in one to nine bytes, and the value. */
function packed(value: Uint8Array | null): Buffer {
  if (value === null) return Buffer.from([0xfb]);
  const { length } = value;
  const head = Buffer.alloc(length < 251 ? 1 : length < 65_536 ? 3 : 4);
  if (head.length === 1) head[0] = length;
  else {
    head[0] = head.length === 3 ? 0xfc : 0xfd;
    head.writeUIntLE(length, 1, head.length - 1);
  }
  return Buffer.concat([head, value]);
}

function lineOf(row: (Uint8Array | null)[]): Buffer {
  const fields = row.map((value) => {
    if (value === null) return '\\N';
    return Buffer.from(value)
      .toString('latin1')
      .replaceAll(/[\\\t\n]/g, (byte) => `\\${byte}`);
  });
  return Buffer.from(`${fields.join('\t')}\n`, 'latin1');
}
