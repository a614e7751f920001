import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Rig } from './test-rig.ts';

test('one flipped bit with the same size and time is found, and mended by the next pass', async () => {
  await using rig = await Rig.start();
  for (let i = 0; i < 20; i++) fs.writeFileSync(join(rig.from, `f${i}`), `content ${i}`);
  await rig.copyAndFollow();
  const file = join(rig.to, 'f7');
  const { atime, mtime } = fs.statSync(file);
  const content = fs.readFileSync(file);
  content[3]! ^= 1;
  fs.writeFileSync(file, content);
  fs.utimesSync(file, atime, mtime);
  const { items, differences } = await rig.verify();
  expect(items).toBe(20);
  expect(differences).toEqual([expect.stringMatching(/^f7 differs in .*content$/)]);
  await rig.copy();
  await rig.follow();
  expect((await rig.verify()).differences).toEqual([]);
});

test('what is missing, what is too many, and other modes are named', async () => {
  await using rig = await Rig.start();
  for (const name of ['a', 'b', 'c']) fs.writeFileSync(join(rig.from, name), name);
  await rig.copyAndFollow();
  fs.rmSync(join(rig.to, 'a'));
  fs.chmodSync(join(rig.to, 'b'), 0o600);
  fs.writeFileSync(join(rig.to, 'more'), '');
  const { differences } = await rig.verify();
  expect(differences).toEqual(
    expect.arrayContaining(['a is missing on the target', 'b differs in mode', 'more is only on the target']),
  );
});

test('no false alarm while what was cut off is on its way again', async () => {
  await using rig = await Rig.start();
  for (let i = 0; i < 300; i++) fs.writeFileSync(join(rig.from, `f${i}`), 'start');
  await rig.copyAndFollow();
  for (let round = 0; round < 5; round++) {
    rig.cut();
    for (let i = 0; i < 20; i++) fs.writeFileSync(join(rig.from, `cut${round}-${i}`), `${i}`);
    expect((await rig.verify()).differences).toEqual([]);
  }
});

test('no false alarm while the tree is written to', async () => {
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
  while (n < 30) results.push(await rig.verify());
  clearInterval(timer);
  expect(results.flatMap((result) => result.differences)).toEqual([]);
});
