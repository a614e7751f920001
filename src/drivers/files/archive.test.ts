import * as fs from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { picture, Rig } from './test-rig.ts';

test('backup and restore carry everything, and replace what was there', async () => {
  await using rig = await Rig.start({ ignore: ['*.tmp'] });
  fs.mkdirSync(join(rig.from, 'a/b'), { recursive: true });
  fs.writeFileSync(join(rig.from, 'a/one'), 'one', { mode: 0o750 });
  fs.linkSync(join(rig.from, 'a/one'), join(rig.from, 'a/b/two'));
  fs.symlinkSync('one', join(rig.from, 'a/link'));
  fs.writeFileSync(join(rig.from, 'sparse'), 'x');
  fs.truncateSync(join(rig.from, 'sparse'), 10_000_000);
  fs.mkdirSync(rig.to);
  fs.writeFileSync(join(rig.to, 'old'), '');
  await rig.target.restore(await rig.source.backup(), () => {}, rig.stop.signal);
  expect(picture(rig.to)).toEqual(picture(rig.from));
  expect(fs.statSync(join(rig.to, 'sparse')).blocks).toBeLessThan(100);
  fs.writeFileSync(join(rig.from, 'not.tmp'), '');
  await rig.target.restore(await rig.source.backup(), () => {}, rig.stop.signal);
  expect(fs.existsSync(join(rig.to, 'not.tmp'))).toBe(false);
});

test('a dump that is cut short is an error', async () => {
  await using rig = await Rig.start();
  fs.writeFileSync(join(rig.from, 'one'), Buffer.alloc(500_000, 1));
  const chunks = await (await rig.source.backup()).toArray();
  const cut = Readable.from([Buffer.concat(chunks).subarray(0, 200_000)]);
  await expect(rig.target.restore(cut, () => {}, rig.stop.signal)).rejects.toThrow('tar');
});

test('a backup of a folder that is not there is an error', async () => {
  await using rig = await Rig.start();
  fs.rmdirSync(rig.from);
  await expect((await rig.source.backup()).toArray()).rejects.toThrow('tar');
  expect((await rig.source.check())[0]).toMatchObject({ verdict: 'fail' });
});

test('a restored tree can be made active, though no stream was ever there', async () => {
  await using rig = await Rig.start();
  fs.writeFileSync(join(rig.from, 'one'), '1');
  await rig.target.restore(await rig.source.backup(), () => {}, rig.stop.signal);
  await rig.target.activate(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});
