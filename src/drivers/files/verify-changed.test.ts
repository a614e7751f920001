import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Rig } from './test-rig.ts';

/** Long enough that a time stamp of a file tells its state from the next. */
const settledMs = 2_100;
const large = 40_000_000;

/** What this process has read so far, from files and from the other side. */
const bytesRead = () => Number(/rchar: (\d+)/.exec(fs.readFileSync('/proc/self/io', 'utf8'))![1]);

async function copied(): Promise<Rig> {
  const rig = await Rig.start();
  fs.mkdirSync(join(rig.from, 'folder'));
  for (let i = 0; i < 300; i++) fs.writeFileSync(join(rig.from, 'folder', `f${i}`), `content ${i}`);
  fs.writeFileSync(join(rig.from, 'large'), Buffer.alloc(large, 'x'));
  await sleep(settledMs);
  await rig.copyAndFollow();
  return rig;
}

test('what is untouched on both sides is not read again; the whole proof reads it', async () => {
  await using rig = await copied();
  const before = bytesRead();
  const { items, differences } = await rig.verifyChanged();
  expect({ items, differences }).toEqual({ items: 302, differences: [] });
  expect(bytesRead() - before).toBeLessThan(large / 10);
  const between = bytesRead();
  expect((await rig.verify()).differences).toEqual([]);
  expect(bytesRead() - between).toBeGreaterThan(2 * large);
}, 30_000);

test('what another has changed in the copy is found, though size and times were put back', async () => {
  await using rig = await copied();
  const file = join(rig.to, 'folder', 'f7');
  const { atime, mtime } = fs.statSync(file);
  fs.writeFileSync(file, 'CONTENT 7');
  fs.utimesSync(file, atime, mtime);
  fs.rmSync(join(rig.to, 'folder', 'f8'));
  fs.chmodSync(join(rig.to, 'folder', 'f9'), 0o600);
  fs.writeFileSync(join(rig.to, 'folder', 'more'), '');
  const { differences } = await rig.verifyChanged();
  expect(differences).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^folder\/f7 differs in .*content$/),
      'folder/f8 is missing on the target',
      'folder/f9 differs in mode',
      'folder/more is only on the target',
    ]),
  );
}, 30_000);

test('no false alarm while the tree is written to, with files that are a moment old', async () => {
  await using rig = await Rig.start();
  for (let i = 0; i < 50; i++) fs.writeFileSync(join(rig.from, `f${i}`), 'start');
  await rig.copyAndFollow();
  let n = 0;
  const timer = setInterval(() => {
    fs.writeFileSync(join(rig.from, `f${n++ % 50}`), `write ${n}`);
    fs.rmSync(join(rig.from, `g${n - 20}`), { force: true });
    fs.writeFileSync(join(rig.from, `g${n}`), `new ${n}`);
  }, 15);
  const results = [];
  while (n < 30) results.push(await rig.verifyChanged());
  clearInterval(timer);
  expect(results.flatMap((result) => result.differences)).toEqual([]);
});
