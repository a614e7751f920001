import { createHash } from 'node:crypto';

const side = 24;
const bytesPerRow = side * 3;
const headerBytes = 54;

/** A small picture that belongs to its id: a mirrored pattern of 24 × 24 points, as an uncompressed 24-bit BMP. */
export function pictureOf(id) {
  const digest = createHash('sha256').update(id).digest();
  const bmp = Buffer.alloc(headerBytes + side * bytesPerRow);
  bmp.write('BM');
  bmp.writeUInt32LE(bmp.length, 2);
  bmp.writeUInt32LE(headerBytes, 10);
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(side, 18);
  bmp.writeInt32LE(side, 22);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  const ink = [digest[0], digest[1], digest[2]];
  const paper = ink.map((c) => 255 - (255 - c) / 5);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const cell = (y >> 2) * 3 + (Math.min(x, side - 1 - x) >> 2); // 4 × 4 points a cell, mirrored
      const inked = digest[3 + cell] % 2 === 1;
      bmp.set(inked ? ink : paper, headerBytes + y * bytesPerRow + x * 3);
    }
  return bmp;
}
