import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { picture, Rig } from './test-rig.ts';

const names = ['a', 'b', 'c', 'd'];
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const kinds = [
  'write',
  'append',
  'rename',
  'delete',
  'chmod',
  'link',
  'mkdir',
  'truncate',
  'rewrite',
  'hardlink',
  'big',
  'pause',
] as const;
const operation = fc.record({ kind: fc.constantFrom(...kinds), path, other: path, n: fc.nat(400_000) });
type Operation = { kind: (typeof kinds)[number]; path: string; other: string; n: number };

test('after any changes, by others on the copy too, and a marker, both trees are the same', {
  timeout: 120_000,
}, async () => {
  const run = async (before: Operation[], during: Operation[], last: Operation[], others: Operation[]) => {
    await using rig = await Rig.start();
    for (const one of before) act(rig.from, one);
    await rig.copy();
    for (const one of during.slice(0, 10)) act(rig.from, one);
    await rig.follow();
    for (const one of [...during, ...last]) {
      act(rig.from, one);
      if (one.kind === 'pause') await sleep(one.n % 120);
    }
    await rig.switch(1);
    expect(picture(rig.to)).toEqual(picture(rig.from));
    for (const one of others.slice(0, 5)) act(rig.to, one);
    await rig.rehearse();
    for (const one of before) act(rig.from, one);
    for (const one of others) act(rig.to, one);
    await rig.switch(2);
    expect(picture(rig.to)).toEqual(picture(rig.from));
    expect((await rig.verify()).differences).toEqual([]);
  };
  const some = (max: number) => fc.array(operation, { maxLength: max });
  await fc.assert(fc.asyncProperty(some(25), some(40), some(15), some(12), run), {
    numRuns: Number(process.env.STORKY_RUNS ?? 30),
    endOnFailure: true,
    ...replay,
  });
});

/** The seed and path that a failure prints. */
const replay = process.env.STORKY_SEED
  ? { seed: Number(process.env.STORKY_SEED), path: process.env.STORKY_PATH ?? '' }
  : {};

/** What does not fit the tree as it is, is left out. Symlinks lead nowhere outside: the operations follow them. */
function act(root: string, { kind, path, other, n }: Operation): void {
  const at = join(root, path);
  try {
    if (kind === 'write') fs.writeFileSync(at, `content ${n}`);
    else if (kind === 'append') fs.appendFileSync(at, `more ${n}`);
    else if (kind === 'rename') fs.renameSync(at, join(root, other));
    else if (kind === 'delete') fs.rmSync(at, { recursive: true });
    else if (kind === 'chmod') fs.chmodSync(at, fs.lstatSync(at).isDirectory() ? 0o700 + (n % 64) : n % 0o7777);
    else if (kind === 'link') fs.symlinkSync(n % 2 ? other : '/nonexistent/outside', at);
    else if (kind === 'mkdir') fs.mkdirSync(at, { recursive: true });
    else if (kind === 'truncate') fs.truncateSync(at, n);
    else if (kind === 'hardlink') fs.linkSync(at, join(root, other));
    else if (kind === 'big') fs.writeFileSync(at, Buffer.alloc(n * 2, `block ${n}`));
    else if (kind === 'rewrite') rewrite(at, n);
  } catch (error) {
    if (
      !/^E(NOENT|NOTDIR|ISDIR|EXIST|NOTEMPTY|INVAL|LOOP|PERM|ACCES)$/.test((error as NodeJS.ErrnoException).code ?? '')
    )
      throw error;
  }
}

/** Other content, same size, same time. */
function rewrite(at: string, n: number): void {
  const st = fs.lstatSync(at);
  if (!st.isFile()) return;
  fs.writeFileSync(at, Buffer.alloc(st.size, `${n}`));
  fs.utimesSync(at, st.atime, st.mtime);
}
