import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FollowTicket } from '../store.ts';
import { Side } from './side.test-support.ts';
import { picture } from './test-rig.ts';

const never = new AbortController().signal;

let base: string;
let paris: Side;
let lyon: Side;
/** The side that serves, the other one, and the stream between them. */
let serving: Side;
let copy: Side;
let stream: string;
let ticket: FollowTicket;
let back: { id: string; ticket: FollowTicket };
let epoch = 0;

beforeEach(async () => {
  base = fs.mkdtempSync(join(tmpdir(), 'storky-way-back-'));
  [paris, lyon] = [new Side(base, 'paris'), new Side(base, 'lyon')];
  await Promise.all([paris.listen(), lyon.listen()]);
  [serving, copy, stream, epoch] = [paris, lyon, randomUUID(), 0];
  fs.mkdirSync(join(paris.root, 'folder'), { recursive: true });
  for (let n = 0; n < 60; n++) fs.writeFileSync(join(paris.root, 'folder', `file ${n}`), randomBytes(20_000));
  fs.writeFileSync(join(paris.root, 'large'), randomBytes(5_000_000));
  ticket = (await paris.source.open(stream)).ticket;
  await copyAndFollow();
  await prepareWayBack();
});
afterEach(async () => {
  await paris[Symbol.asyncDispose]();
  await lyon[Symbol.asyncDispose]();
  fs.rmSync(base, { recursive: true, force: true });
});

const write = (name: string, content: string | Buffer = name, side = serving) =>
  fs.writeFileSync(join(side.root, name), content);

async function copyAndFollow(): Promise<void> {
  await copy.target.copy(stream, ticket, serving.endpoint(stream), () => {}, never);
  await copy.target.follow(stream, ticket, serving.endpoint(stream), never);
  await inSync();
}

async function inSync(): Promise<void> {
  for (let n = 0; n < 400 && (await copy.target.lag()).ms > 0; n++) await sleep(25);
  expect(await copy.target.lag()).toMatchObject({ ms: 0 });
}

async function prepareWayBack(): Promise<void> {
  back = { id: back?.id === stream || !back ? randomUUID() : back.id, ticket: {} };
  back.ticket = await copy.source.openWayBack(back.id);
  await serving.wayBack.prove(back.id, back.ticket, copy.endpoint(back.id), never);
}

async function freeze(): Promise<void> {
  await copy.target.rehearse(stream, serving.endpoint(stream), never);
  await serving.source.ready(stream);
  const deadline = { at: performance.now() + 10_000, signal: AbortSignal.timeout(10_000) };
  const applied = copy.target.applied(stream, ++epoch, deadline);
  applied.catch(() => {});
  await serving.source.fence(deadline);
  await serving.source.mark(stream, epoch, deadline);
  await applied;
}

/** Answers with the stream that it ended. */
async function switchOver(): Promise<string> {
  await freeze();
  await serving.source.seal();
  await copy.target.activate(epoch);
  const done = stream;
  [serving, copy, stream, ticket] = [copy, serving, back.id, back.ticket];
  return done;
}

async function tidy(done: string): Promise<void> {
  await serving.target.close(done);
  await copy.source.close(done);
}

const begin = () => copy.wayBack.begin(stream, ticket, serving.endpoint(stream), null, never);
const followBack = async () => {
  await begin();
  await copyAndFollow();
};
const equal = () => expect(picture(copy.root)).toEqual(picture(serving.root));

test('what is written after the switch comes back, only that is sent, and nothing is written before it', async () => {
  const before = picture(paris.root);
  await expect(begin()).rejects.toThrow('no switch has left');
  const early = paris.target.copy(back.id, back.ticket, lyon.endpoint(back.id), () => {}, never);
  await expect(early).rejects.toThrow('active');
  expect(picture(paris.root)).toEqual(before);
  await sleep(2_100); // time stamps that are old enough to be trusted
  const done = await switchOver();
  await expect(paris.target.follow(stream, ticket, lyon.endpoint(stream), never)).rejects.toThrow('way back');
  write('folder/new');
  fs.rmSync(join(lyon.root, 'folder/file 7'));
  const handle = fs.openSync(join(lyon.root, 'large'), 'r+');
  fs.writeSync(handle, 'changed', 3_000_000);
  fs.writeSync(handle, 'longer', 5_000_000);
  fs.closeSync(handle);
  await tidy(done);
  const sent = lyon.sent;
  await followBack();
  expect(lyon.sent - sent).toBeLessThan(1_000_000);
  equal();
  write('folder/later');
  await freeze();
  equal();
}, 30_000);

/** What this process has read so far, from files and from the other side. */
const bytesRead = () => Number(/rchar: (\d+)/.exec(fs.readFileSync('/proc/self/io', 'utf8'))![1]);

/** Compared by a new stream when every time stamp of the source is old enough to be trusted; then those of the copy are, too. */
async function provenAtRest(): Promise<void> {
  await sleep(2_100);
  await copy.kill();
  await copyAndFollow();
  await sleep(2_100);
}

/** How much was read, on both sides, until the old side is current again. */
async function readFollowingBack(): Promise<number> {
  await tidy(await switchOver());
  const before = bytesRead();
  await followBack();
  return bytesRead() - before;
}

test('what is untouched on both sides since the switch is not even read', async () => {
  write('huge', randomBytes(40_000_000));
  await provenAtRest();
  expect(await readFollowingBack()).toBeLessThan(10_000_000);
  equal();
  await prepareWayBack();
  expect(await readFollowingBack()).toBeLessThan(10_000_000);
  equal();
}, 60_000);

test('a file that somebody changed on the side that was left is put right, though its size and times are as before', async () => {
  await provenAtRest();
  const done = await switchOver();
  await tidy(done);
  const stray = join(copy.root, 'folder/file 3');
  const { atime, mtime } = fs.statSync(stray);
  fs.writeFileSync(stray, randomBytes(20_000));
  fs.utimesSync(stray, atime, mtime);
  write('folder/file 4', randomBytes(20_000));
  await followBack();
  equal();
}, 30_000);

test('a machine that was started again since the switch reads everything', async () => {
  write('huge', randomBytes(40_000_000));
  await provenAtRest();
  await tidy(await switchOver());
  const file = join(copy.stateFolder, 'role.json');
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), boot: 'another' }));
  const before = bytesRead();
  await followBack();
  expect(bytesRead() - before).toBeGreaterThan(40_000_000);
  equal();
}, 30_000);

test('to and fro four times, tidied early or late, with writes on both sides of every switch', async () => {
  for (let round = 1; round <= 4; round++) {
    write(`before ${round}`);
    await prepareWayBack();
    const done = await switchOver();
    write(`at once ${round}`);
    write('folder/file 1', `round ${round}`);
    if (round % 2) await tidy(done);
    await followBack();
    if (!(round % 2)) await tidy(done);
    write(`then ${round}`);
    await copy.target.rehearse(stream, serving.endpoint(stream), never);
    expect((await copy.target.verify(stream, ticket, serving.endpoint(stream), () => {}, never)).differences).toEqual(
      [],
    );
    equal();
    expect((await serving.source.open(stream)).fresh).toBe(false);
  }
  for (let round = 1; round <= 4; round++)
    for (const name of ['before', 'at once', 'then'])
      expect(fs.readFileSync(join(copy.root, `${name} ${round}`), 'utf8')).toBe(`${name} ${round}`);
  await copy.target.close(stream);
  await serving.source.close(stream);
  expect(fs.readdirSync(base).sort()).toEqual(['lyon', 'paris']);
}, 60_000);

test('both agents are killed while it goes back, and begin is asked for again', async () => {
  await switchOver();
  write('at once');
  await paris.kill();
  await begin();
  await paris.kill();
  await lyon.kill();
  await followBack();
  write('then');
  await paris.kill();
  await followBack();
  lyon.cut();
  write('while the link was cut');
  for (let n = 0; n < 200 && !fs.existsSync(join(paris.root, 'while the link was cut')); n++) await sleep(25);
  await prepareWayBack();
  await freeze();
  equal();
}, 60_000);

test('a switch that backs out after the seal leaves the old side serving, and the way back prepared', async () => {
  await freeze();
  await paris.source.seal();
  await paris.kill();
  await paris.source.unfence();
  write('serves again');
  await prepareWayBack();
  await sleep(500);
  for (let n = 0; n < 200 && (await copy.target.lag()).ms > 0; n++) await sleep(25);
  const done = await switchOver();
  await tidy(done);
  write('at once');
  await followBack();
  equal();
  await expect(paris.source.unfence()).rejects.toThrow('follows');
}, 60_000);

test('the proof fails where the stream is not known, or by another ticket, and tells nothing of the tree', async () => {
  const prove = (id: string, with_: FollowTicket) => paris.wayBack.prove(id, with_, lyon.endpoint(id), never);
  await expect(prove(randomUUID(), back.ticket)).rejects.toMatchObject({ code: 'link_lost' });
  await expect(prove(back.id, { ...back.ticket, id: 'another' })).rejects.toMatchObject({ code: 'engine_refused' });
  await lyon.source.close(back.id);
  await expect(prove(back.id, back.ticket)).rejects.toMatchObject({ code: 'link_lost' });
  await lyon.target.close(stream);
  await paris.source.close(stream);
  expect(fs.readdirSync(base).sort()).toEqual(['lyon', 'paris']);
});
