import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { picture, Rig } from './test-rig.ts';

test('copies files, folders, links, modes and times', async () => {
  await using rig = await Rig.start();
  fs.mkdirSync(join(rig.from, 'a/b'), { recursive: true });
  fs.writeFileSync(join(rig.from, 'a/one.txt'), 'one');
  fs.writeFileSync(join(rig.from, 'a/b/empty'), '');
  fs.writeFileSync(join(rig.from, 'large'), Buffer.alloc(3_000_000, 'x'));
  fs.symlinkSync('/etc/passwd', join(rig.from, 'a/link'));
  fs.mkdirSync(join(rig.from, 'nothing in it'), { mode: 0o2750 });
  fs.chmodSync(join(rig.from, 'a/one.txt'), 0o4711);
  fs.utimesSync(join(rig.from, 'a'), 1_000_000_000.123456, 1_000_000_000.123456);
  await rig.copy();
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('follows, and the marker proves it', async () => {
  await using rig = await Rig.start();
  fs.writeFileSync(join(rig.from, 'one'), '1');
  await rig.copyAndFollow();
  fs.writeFileSync(join(rig.from, 'one'), '2');
  fs.mkdirSync(join(rig.from, 'new/deep'), { recursive: true });
  fs.writeFileSync(join(rig.from, 'new/deep/two'), '2');
  const ms = await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
  expect(ms).toBeLessThan(1000);
  const result = await rig.verify();
  expect(result).toEqual({ items: 4, differences: [] });
});
