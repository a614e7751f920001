import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { picture, Rig } from './test-rig.ts';

async function followed(): Promise<Rig> {
  const rig = await Rig.start();
  for (const name of ['a/1', 'a/2', 'a/sub/3', 'b/4', 'c', 'd', 'e/5']) {
    fs.mkdirSync(join(rig.from, name, '..'), { recursive: true });
    fs.writeFileSync(join(rig.from, name), `content of ${name}`);
  }
  fs.linkSync(join(rig.from, 'c'), join(rig.from, 'c too'));
  fs.writeFileSync(join(rig.from, 'large'), Buffer.alloc(2_000_000, 'large'));
  await rig.copyAndFollow();
  return rig;
}

/** What a preview of the app might do to its files, and worse. */
function meddle(root: string): void {
  const at = (name: string) => join(root, name);
  const { atime, mtime } = fs.statSync(at('a/1'));
  fs.writeFileSync(at('a/1'), 'CONTENT OF a/1');
  fs.utimesSync(at('a/1'), atime, mtime);
  fs.writeFileSync(at('a/created'), 'by the preview');
  fs.mkdirSync(at('made/deep'), { recursive: true });
  fs.writeFileSync(at('made/deep/file'), 'by the preview');
  fs.rmSync(at('a/2'));
  fs.rmSync(at('a/sub'), { recursive: true });
  fs.rmSync(at('b'), { recursive: true });
  fs.writeFileSync(at('b'), 'a file now');
  fs.appendFileSync(at('c'), ' and more');
  fs.chmodSync(at('d'), 0o600);
  fs.chmodSync(at('e'), 0o755 ^ 0o050);
  fs.renameSync(at('e/5'), at('e/6'));
  const handle = fs.openSync(at('large'), 'r+');
  fs.writeSync(handle, 'LARGE', 700_000);
  fs.closeSync(handle);
}

test('what a preview has written to the copy is put right before the switch', async () => {
  await using rig = await followed();
  meddle(rig.to);
  await rig.rehearse();
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('what it writes after the last comparison is put right in the freeze, in every attempt', async () => {
  await using rig = await followed();
  for (let epoch = 1; epoch <= 2; epoch++) {
    await rig.rehearse();
    meddle(rig.to);
    fs.appendFileSync(join(rig.from, 'c'), 'written by the app');
    await rig.switch(epoch);
    expect(picture(rig.to)).toEqual(picture(rig.from));
    await rig.source.unfence();
  }
});

test('an agent that was killed finds what was written meanwhile', async () => {
  await using rig = await followed();
  await rig.rehearse();
  await rig.target[Symbol.asyncDispose]();
  meddle(rig.to);
  rig.target = rig.newTarget();
  await rig.follow();
  await rig.inSync();
  await rig.rehearse();
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('a change is never built on what somebody else has written', async () => {
  await using rig = await followed();
  const handle = fs.openSync(join(rig.to, 'large'), 'r+');
  fs.writeSync(handle, 'LARGE', 700_000);
  fs.closeSync(handle);
  fs.writeFileSync(join(rig.to, 'd'), 'CONTENT OF d');
  fs.appendFileSync(join(rig.from, 'large'), 'and more');
  fs.utimesSync(join(rig.from, 'd'), 1, 1);
  await vi.waitFor(() => expect(picture(rig.to)).toEqual(picture(rig.from)), { timeout: 10_000 });
});

test('what the stream itself writes is not taken for the work of others, and nothing is sent twice', async () => {
  await using rig = await followed();
  await rig.rehearse();
  for (let n = 0; n < 300; n++) fs.writeFileSync(join(rig.from, `new ${n}`), Buffer.alloc(3_000, `${n}`));
  fs.mkdirSync(join(rig.from, 'new/folder'), { recursive: true });
  fs.writeFileSync(join(rig.from, 'new/folder/file'), 'x');
  fs.linkSync(join(rig.from, 'd'), join(rig.from, 'd too'));
  await vi.waitFor(() => expect(picture(rig.to)).toEqual(picture(rig.from)), { timeout: 10_000 });
  await sleep(500);
  await rig.inSync();
  const before = rig.sent;
  await rig.rehearse();
  await rig.switch(1);
  expect(rig.sent - before).toBeLessThan(20_000);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('a socket of the preview stays, and one that goes on writing does not keep the switch from ending', async () => {
  await using rig = await followed();
  const server = createServer().listen(join(rig.to, 'app.sock'));
  await new Promise((resolve) => server.once('listening', resolve));
  const timer = setInterval(() => fs.appendFileSync(join(rig.to, 'd'), 'again'), 1);
  await rig.rehearse();
  await rig.switch(1);
  clearInterval(timer);
  expect(fs.readFileSync(join(rig.to, 'd'), 'utf8')).toMatch(/^content of d(again)*$/);
  expect(fs.existsSync(join(rig.to, 'app.sock'))).toBe(true);
  server.close();
});
