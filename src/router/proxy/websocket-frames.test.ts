import fc from 'fast-check';
import { expect, it } from 'vitest';
import { closeToClient, closeToServer, FrameReader, opcodeClose } from './websocket-frames.ts';

function frame(opcode: number, length: number, masked: boolean): Buffer {
  const header = [0x80 | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) header.push(mask | length);
  else if (length < 65_536) header.push(mask | 126, length >> 8, length & 255);
  else header.push(mask | 127, 0, 0, 0, 0, 0, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  if (masked) header.push(1, 2, 3, 4);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, 0x88)]);
}

const anyFrame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  length: fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 65_535, 65_536, 70_000)),
  masked: fc.boolean(),
});

it('finds the close frame after any frames, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(3000), { maxLength: 30 }), (frames, cuts) => {
      const before = Buffer.concat(frames.map(({ opcode, length, masked }) => frame(opcode, length, masked)));
      const bytes = Buffer.concat([before, closeToClient, Buffer.from('after')]);
      const reader = new FrameReader();
      let at = 0;
      for (const size of [...cuts, bytes.length]) {
        const chunk = bytes.subarray(at, at + size + 1);
        const passed = reader.read(chunk, (opcode) => opcode === opcodeClose);
        at += passed;
        if (passed < chunk.length) break;
      }
      expect(at).toBe(before.length);
      expect(reader.atBoundary).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it('knows when it is in the middle of a frame', () => {
  const reader = new FrameReader();
  const bytes = frame(1, 300, true);
  for (let n = 0; n < bytes.length - 1; n++) {
    reader.read(bytes.subarray(n, n + 1), () => false);
    expect(reader.atBoundary).toBe(false);
  }
  reader.read(bytes.subarray(-1), () => false);
  expect(reader.atBoundary).toBe(true);
});

it('says 1012 to both sides, masked towards the server', () => {
  expect(closeToClient.readUInt16BE(2)).toBe(1012);
  expect(closeToServer[1]! & 0x80).toBe(0x80);
  expect(closeToServer.readUInt16BE(6)).toBe(1012);
});
