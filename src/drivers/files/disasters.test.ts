import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { picture, Rig } from './test-rig.ts';

function fill(rig: Rig, files: number, bytes: number): void {
  for (let i = 0; i < files; i++) {
    fs.mkdirSync(join(rig.from, `d${i % 7}`), { recursive: true });
    fs.writeFileSync(join(rig.from, `d${i % 7}`, `f${i}`), randomBytes(bytes));
  }
}

test('the copy goes on where the link was cut, also inside a large file', async () => {
  await using rig = await Rig.start();
  fill(rig, 300, 20_000);
  fs.writeFileSync(join(rig.from, 'large'), randomBytes(20_000_000));
  const whole = 26_000_000;
  await sleep(2100); // a file that changed a moment ago is not resumed
  rig.cutAfter = 7_000_000; // less than the large file: starting it anew each time would never end
  const { bytes } = await rig.copy();
  expect(picture(rig.to)).toEqual(picture(rig.from));
  expect(bytes).toBeLessThan(whole * 1.5); // what had arrived was not sent again
});

test('the link is cut while following: nothing is copied again', async () => {
  await using rig = await Rig.start();
  fill(rig, 100, 50_000);
  await rig.copyAndFollow();
  await sleep(2100); // the time stamps are old enough to be trusted
  rig.cut();
  fs.writeFileSync(join(rig.from, 'd1/f1'), 'changed while the link was down');
  fs.rmSync(join(rig.from, 'd2'), { recursive: true });
  const before = rig.sent;
  for (let i = 0; i < 200 && fs.existsSync(join(rig.to, 'd2')); i++) await sleep(25);
  await rig.inSync();
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
  expect(rig.sent - before).toBeLessThan(200_000);
});

test('the source agent is killed and started again', async () => {
  await using rig = await Rig.start();
  fill(rig, 20, 100);
  await rig.copyAndFollow();
  await rig.source[Symbol.asyncDispose]();
  rig.cut();
  fs.writeFileSync(join(rig.from, 'd1/new'), 'unseen');
  rig.source = rig.newSource();
  for (let i = 0; i < 200 && !fs.existsSync(join(rig.to, 'd1/new')); i++) await sleep(25);
  await rig.inSync();
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('the target agent is killed and goes on from its ledger', async () => {
  await using rig = await Rig.start();
  fill(rig, 100, 50_000);
  await rig.copyAndFollow();
  await rig.target[Symbol.asyncDispose]();
  await sleep(2100);
  fs.writeFileSync(join(rig.from, 'd1/new'), 'unseen');
  const before = rig.sent;
  rig.target = rig.newTarget();
  await rig.copyAndFollow();
  expect(rig.sent - before).toBeLessThan(300_000);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('the ledger is lost: hashes of what is there save the sending', async () => {
  await using rig = await Rig.start();
  fill(rig, 50, 100_000);
  await rig.copy();
  await rig.target[Symbol.asyncDispose]();
  fs.rmSync(join(rig.base, 'state-to'), { recursive: true });
  const before = rig.sent;
  rig.target = rig.newTarget();
  await rig.copy();
  expect(rig.sent - before).toBeLessThan(300_000);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('no link in the freeze: mark throws before the deadline, and the next attempt works', async () => {
  await using rig = await Rig.start();
  fill(rig, 5, 100);
  await rig.copyAndFollow();
  rig.cutAfter = 0;
  rig.cut();
  fs.writeFileSync(join(rig.from, 'late'), 'x');
  await expect(rig.switch(1, 500)).rejects.toThrow();
  rig.cutAfter = Number.POSITIVE_INFINITY;
  await rig.source.unfence();
  for (let i = 0; i < 200 && !fs.existsSync(join(rig.to, 'late')); i++) await sleep(25);
  await rig.inSync();
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});

test('a file that changes all the time is current once its writer has stopped', async () => {
  await using rig = await Rig.start();
  const file = join(rig.from, 'log');
  fs.writeFileSync(file, '');
  const timer = setInterval(() => fs.appendFileSync(file, randomBytes(3000)), 3);
  await rig.copy();
  await rig.follow();
  await sleep(500);
  clearInterval(timer);
  await rig.switch(1);
  expect(picture(rig.to)).toEqual(picture(rig.from));
});
