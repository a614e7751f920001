import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Bookmark } from '../store.ts';
import { Rig } from './test-rig.ts';

const folders = 20;
const flat = 1_500;

async function copied(): Promise<Rig> {
  const rig = await Rig.start();
  for (let i = 0; i < folders; i++) {
    fs.mkdirSync(join(rig.from, `d${i}`, 'below'), { recursive: true });
    fs.writeFileSync(join(rig.from, `d${i}`, 'below', 'file'), `content ${i}`);
  }
  fs.mkdirSync(join(rig.from, 'flat'));
  for (let i = 0; i < flat; i++) fs.writeFileSync(join(rig.from, 'flat', `f${i}`), `content ${i}`);
  await rig.copyAndFollow();
  return rig;
}

/** Everything but the root. */
const whole = 1 + 3 * folders + flat;

function bookmark(): Bookmark & { kept: ReturnType<Bookmark['get']> } {
  return {
    kept: null,
    get() {
      return this.kept;
    },
    set(at, items) {
      this.kept = { at, items };
    },
    clear() {
      this.kept = null;
    },
  };
}

/** Compares, up to the page that is the last one before the agent's death. */
async function compare(rig: Rig, kept: Bookmark, cutAfter = Number.POSITIVE_INFINITY) {
  let pages = 0;
  const rest = async () => {
    if (++pages >= cutAfter) throw new Error('the agent died');
  };
  return { ...(await rig.verify({ bookmark: kept, rest })), pages };
}

test('a comparison that is cut short goes on where it was: after a directory, and in the middle of a large one', async () => {
  await using rig = await copied();
  const { items, pages } = await compare(rig, bookmark());
  expect(items).toBe(whole);
  for (const cutAfter of [1, 30, pages - 1, pages]) {
    const kept = bookmark();
    await expect(compare(rig, kept, cutAfter)).rejects.toThrow('the agent died');
    expect(kept.kept!.items).toBeLessThanOrEqual(items);
    const rest = await compare(rig, kept);
    expect(rest).toMatchObject({ items, differences: [], pages: pages - cutAfter });
    expect(kept.kept).toBeNull();
  }
}, 180_000);

test('what is wrong behind the place is found, and so is what looked different before it', async () => {
  await using rig = await copied();
  const spoil = (name: string) => fs.writeFileSync(join(rig.to, name), 'CONTENT');
  spoil('d10/below/file');
  fs.writeFileSync(join(rig.to, 'd11', 'more'), '');
  const kept = bookmark();
  await expect(compare(rig, kept, 30)).rejects.toThrow('the agent died');
  spoil('d9/below/file');
  for (const i of [0, 700, 1_499]) fs.rmSync(join(rig.to, 'flat', `f${i}`));
  fs.writeFileSync(join(rig.to, 'flat', 'more'), '');
  const { pages, differences } = await compare(rig, kept);
  expect(pages).toBeLessThan(30);
  const found = ['d10/below/file', 'd11/more', 'd9/below/file', 'flat/more', 'flat/f0', 'flat/f700', 'flat/f1499'];
  expect(differences.map((one) => one.split(' ')[0])).toEqual(expect.arrayContaining(found));
  expect(kept.kept).toBeNull();
}, 180_000);

test('directories that come and go at the place do not hide what follows', async () => {
  await using rig = await copied();
  const kept = bookmark();
  await expect(compare(rig, kept, 20)).rejects.toThrow('the agent died');
  const { dir } = JSON.parse(kept.kept!.at) as { dir: string };
  fs.rmSync(join(rig.from, dir.split('/')[0]!), { recursive: true });
  await rig.inSync();
  fs.writeFileSync(join(rig.to, 'd9/below/file'), 'CONTENT 9');
  const { differences } = await compare(rig, kept);
  expect(differences).toEqual([expect.stringContaining('d9/below/file differs')]);
}, 180_000);
