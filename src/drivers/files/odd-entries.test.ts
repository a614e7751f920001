import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { picture, Rig } from './test-rig.ts';

const root = process.getuid?.() === 0;

test('names of any bytes', async () => {
  await using rig = await Rig.start();
  const names = ['new\nline', `quo'te"s`, '-rf', ' ', 'Case', 'case', 'ü', 'x'.repeat(255), '\\', '*', '%00', '~'];
  for (const name of names) fs.writeFileSync(join(rig.from, name), name);
  const raw = Buffer.concat([Buffer.from(`${rig.from}/`), Buffer.from([0xff, 0xfe, 0x41, 0x0a])]);
  fs.mkdirSync(raw);
  fs.writeFileSync(Buffer.concat([raw, Buffer.from('/'), Buffer.from([0xc3])]), 'in it');
  await rig.copyAndFollow();
  fs.writeFileSync(Buffer.concat([raw, Buffer.from('/'), Buffer.from([0xe9])]), 'followed');
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
  expect((await rig.verify()).differences).toEqual([]);
});

test('paths longer than the kernel takes at once', async () => {
  await using rig = await Rig.start();
  const parts = Array.from({ length: 30 }, (_, i) => `${i}-${'d'.repeat(200)}`);
  let inner = join(rig.base, 'file');
  fs.writeFileSync(inner, 'deep');
  for (const part of parts) {
    const outer = join(rig.base, part);
    fs.mkdirSync(outer);
    fs.renameSync(inner, join(outer, basename(inner)));
    inner = outer;
  }
  const top = basename(inner);
  fs.renameSync(inner, join(rig.from, top));
  await rig.copyAndFollow();
  expect((await rig.verify()).differences).toEqual([]);
  const find = () => execFileSync('find', [rig.to, '-name', 'file', '-size', '4c']).toString();
  expect(find().length).toBeGreaterThan(6000);
  execFileSync('rm', ['-rf', join(rig.from, top)]);
  await rig.switch(1);
  expect(fs.readdirSync(rig.to)).toEqual([]);
});

test('hard links stay links, also when the file changes under one of its names', async () => {
  await using rig = await Rig.start();
  fs.mkdirSync(join(rig.from, 'd'));
  fs.writeFileSync(join(rig.from, 'a'), 'first');
  fs.linkSync(join(rig.from, 'a'), join(rig.from, 'd/b'));
  fs.linkSync(join(rig.from, 'a'), join(rig.from, 'c'));
  await rig.copyAndFollow();
  expect(picture(rig.to)).toEqual(picture(rig.from));
  fs.writeFileSync(join(rig.from, 'd/b'), 'second');
  await rig.switch(1);
  expect(fs.readFileSync(join(rig.to, 'a'), 'utf8')).toBe('second');
  fs.rmSync(join(rig.from, 'c'));
  fs.writeFileSync(join(rig.from, 'c'), 'on its own');
  await rig.switch(2);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('sparse files stay sparse, and zeros written over content arrive', async () => {
  await using rig = await Rig.start();
  const file = join(rig.from, 'sparse');
  fs.writeFileSync(file, 'start');
  fs.truncateSync(file, 50_000_000);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, 'middle', 20_000_100);
  await rig.copyAndFollow();
  expect(fs.statSync(join(rig.to, 'sparse')).blocks).toBeLessThan(200);
  expect(rig.sent).toBeLessThan(2_000_000);
  fs.writeSync(fd, Buffer.alloc(6), 0, 6, 20_000_100);
  fs.writeSync(fd, 'other', 40_000_000);
  fs.closeSync(fd);
  await rig.switch(1);
  expect(fs.readFileSync(join(rig.to, 'sparse')).equals(fs.readFileSync(file))).toBe(true);
});

test('of a large file only the blocks that changed are sent', async () => {
  await using rig = await Rig.start();
  const file = join(rig.from, 'large');
  fs.writeFileSync(file, Buffer.alloc(8_000_000, 'abcdefg'));
  await rig.copyAndFollow();
  const before = rig.sent;
  fs.appendFileSync(file, 'appended');
  await rig.switch(1);
  fs.truncateSync(file, 5_000_001);
  await rig.switch(2);
  expect(rig.sent - before).toBeLessThan(1_200_000);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('fifos are made, sockets are named as not moved', async () => {
  await using rig = await Rig.start();
  execFileSync('mkfifo', [join(rig.from, 'fifo')]);
  const server = createServer().listen(join(rig.from, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  await rig.copyAndFollow();
  expect((await rig.source.measure()).notMoved.join()).toContain('socket');
  expect(fs.lstatSync(join(rig.to, 'fifo')).isFIFO()).toBe(true);
  expect(fs.existsSync(join(rig.to, 'socket'))).toBe(false);
  expect((await rig.verify()).differences).toEqual([]);
  await new Promise((resolve) => server.close(resolve));
});

test.runIf(root)('owners and devices, where we are root', async () => {
  await using rig = await Rig.start();
  fs.writeFileSync(join(rig.from, 'theirs'), 'x');
  fs.chownSync(join(rig.from, 'theirs'), 1234, 4321);
  fs.chmodSync(join(rig.from, 'theirs'), 0o6755);
  fs.symlinkSync('nowhere', join(rig.from, 'link'));
  fs.lchownSync(join(rig.from, 'link'), 99, 98);
  execFileSync('mknod', [join(rig.from, 'null'), 'c', '1', '3']);
  await rig.copy();
  expect(picture(rig.to)).toEqual(picture(rig.from));
  expect(fs.lstatSync(join(rig.to, 'null')).rdev).toBe(fs.lstatSync(join(rig.from, 'null')).rdev);
});

test('what is ignored is neither copied nor removed', async () => {
  await using rig = await Rig.start({ ignore: ['*.tmp', '/cache', 'a/**/x'] });
  fs.mkdirSync(join(rig.from, 'cache'));
  fs.mkdirSync(join(rig.from, 'a/b/c'), { recursive: true });
  for (const name of ['one.tmp', 'cache/two', 'a/b/c/x', 'a/b/c/y', 'kept']) fs.writeFileSync(join(rig.from, name), '');
  fs.mkdirSync(rig.to);
  fs.writeFileSync(join(rig.to, 'mine.tmp'), 'stays');
  fs.writeFileSync(join(rig.to, 'old'), 'goes');
  await rig.copyAndFollow();
  fs.writeFileSync(join(rig.from, 'three.tmp'), '');
  await rig.switch(1);
  expect(fs.readdirSync(rig.to).sort()).toEqual(['a', 'kept', 'mine.tmp']);
  expect(fs.readdirSync(join(rig.to, 'a/b/c'))).toEqual(['y']);
});
