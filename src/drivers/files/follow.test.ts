import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { picture, Rig } from './test-rig.ts';

async function rigWith(files: Record<string, string>, options = {}): Promise<Rig> {
  const rig = await Rig.start(options);
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(join(rig.from, name, '..'), { recursive: true });
    fs.writeFileSync(join(rig.from, name), content);
  }
  await rig.copyAndFollow();
  return rig;
}

test('changes arrive by themselves, and the lag goes back to nothing', async () => {
  await using rig = await rigWith({ one: '1' });
  fs.writeFileSync(join(rig.from, 'two'), '2');
  for (let i = 0; i < 100 && !fs.existsSync(join(rig.to, 'two')); i++) await sleep(20);
  expect(fs.readFileSync(join(rig.to, 'two'), 'utf8')).toBe('2');
  await rig.inSync();
  expect(await rig.target.lag()).toMatchObject({ ms: 0 });
  await rig.target.healthy();
  await rig.source.ready('');
  expect((await rig.rehearse()).roundTripMs).toBeLessThan(500);
});

test('deletes, renames of files and folders, and changes of kind', async () => {
  await using rig = await rigWith({ 'a/1': '1', 'a/sub/2': '2', b: 'b', 'c/3': '3', 'gone/4': '4' });
  const at = (name: string) => join(rig.from, name);
  fs.renameSync(at('a'), at('moved'));
  fs.writeFileSync(at('moved/sub/new'), 'in a moved folder');
  fs.mkdirSync(at('a'));
  fs.writeFileSync(at('a/another'), 'in a new folder of the old name');
  fs.rmSync(at('b'));
  fs.mkdirSync(at('b'));
  fs.rmSync(at('c'), { recursive: true });
  fs.symlinkSync('a', at('c'));
  fs.rmSync(at('gone'), { recursive: true });
  fs.writeFileSync(at('gone'), 'a file now');
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
  fs.writeFileSync(at('moved/sub/2'), 'watched under the new name');
  fs.writeFileSync(at('a/another'), 'watched too');
  await rig.switch(2);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('a folder that is made anew, after the scan in which it was missing, has nothing of the one before', async () => {
  await using rig = await Rig.start();
  fs.mkdirSync(join(rig.from, 'folder/old'), { recursive: true });
  await rig.copy();
  fs.rmSync(join(rig.from, 'folder'), { recursive: true });
  await rig.follow();
  fs.mkdirSync(join(rig.from, 'folder/new'), { recursive: true });
  await sleep(20);
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('a marker that is under way when the switch backs out never comes', async () => {
  await using rig = await rigWith({ one: '1' });
  const deadline = { at: performance.now() + 5_000, signal: AbortSignal.timeout(5_000) };
  fs.writeFileSync(join(rig.from, 'one'), 'written in the freeze');
  const marking = rig.source.mark('', 1, deadline).catch(() => {});
  await rig.source.unfence();
  await marking;
  await rig.inSync();
  const soon = { at: performance.now() + 400, signal: AbortSignal.timeout(5_000) };
  await expect(rig.target.applied('', 1, soon)).rejects.toMatchObject({ code: 'timeout' });
  await rig.switch(1);
});

test('the same size with the time put back is still seen', async () => {
  await using rig = await rigWith({ one: 'aaaa' });
  const { atime, mtime } = fs.statSync(join(rig.from, 'one'));
  fs.writeFileSync(join(rig.from, 'one'), 'bbbb');
  fs.utimesSync(join(rig.from, 'one'), atime, mtime);
  await rig.switch(1);
  expect(fs.readFileSync(join(rig.to, 'one'), 'utf8')).toBe('bbbb');
});

test('writes through a mapping, which raise no event, are in the marker', async () => {
  await using rig = await rigWith({ mapped: 'x'.repeat(8192) });
  const script = `
import mmap, sys
f = open(sys.argv[1], 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0:1] = b'1'; f.close(); print('mapped', flush=True)
sys.stdin.readline(); m[0:1] = b'2'; print('written', flush=True); sys.stdin.readline()`;
  const writer = spawn('python3', ['-c', script, join(rig.from, 'mapped')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => writer.on('exit', resolve));
  const says = () => new Promise((resolve) => writer.stdout.once('data', resolve));
  await says();
  await rig.switch(1);
  writer.stdin.write('\n');
  await says();
  await rig.switch(2);
  expect(fs.readFileSync(join(rig.to, 'mapped'), 'utf8')[0]).toBe('2');
  writer.stdin.end('\n');
  await exited;
});

test('more events at once than can be trusted: the marker includes a comparison of everything', async () => {
  await using rig = await rigWith({ one: '1' });
  fs.mkdirSync(join(rig.from, 'many'));
  for (let i = 0; i < 4500; i++) fs.writeFileSync(join(rig.from, 'many', String(i)), '');
  fs.writeFileSync(join(rig.from, 'one'), '2');
  await rig.switch(1, 30_000);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('fewer watches than folders: the freeze compares what is not watched', async () => {
  await using rig = await rigWith({ 'a/1': '1', 'b/2': '2', 'c/d/3': '3' }, { maxWatches: 2 });
  for (const name of ['a/1', 'b/2', 'c/d/3', 'c/d/4']) fs.writeFileSync(join(rig.from, name), 'new');
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('a marker of an attempt that backed out proves nothing', async () => {
  await using rig = await rigWith({ one: '1' });
  await rig.switch(5);
  await rig.source.unfence();
  await rig.rehearse();
  const deadline = { at: performance.now() + 200, signal: AbortSignal.timeout(1000) };
  await expect(rig.target.applied('', 5, deadline)).rejects.toThrow('did not end');
  fs.writeFileSync(join(rig.from, 'one'), '2');
  await rig.switch(5);
  expect(fs.readFileSync(join(rig.to, 'one'), 'utf8')).toBe('2');
});

test('once active, the tree is not touched by the old side any more, and nothing is left in it', async () => {
  await using rig = await rigWith({ one: '1' });
  await rig.switch(1);
  await rig.target.activate(1);
  fs.writeFileSync(join(rig.to, 'new'), 'written by the app here');
  fs.rmSync(join(rig.to, 'one'));
  fs.writeFileSync(join(rig.from, 'stray'), 'on the passive side');
  await expect(rig.follow()).rejects.toThrow('active');
  await expect(rig.copy()).rejects.toThrow('active');
  await rig.close();
  expect(fs.readdirSync(rig.to)).toEqual(['new']);
  expect(fs.existsSync(join(rig.base, 'state-from'))).toBe(false);
  expect(fs.existsSync(join(rig.base, 'state-to'))).toBe(false);
});

test('an unmounted volume is not a tree whose files were deleted', async () => {
  await using rig = await rigWith({ one: '1' });
  fs.renameSync(rig.from, `${rig.from}-away`);
  fs.mkdirSync(rig.from);
  await sleep(400);
  expect(fs.readdirSync(rig.to)).toEqual(['one']);
  await expect(rig.switch(1, 1000)).rejects.toThrow();
  fs.rmdirSync(rig.from);
  fs.renameSync(`${rig.from}-away`, rig.from);
});
