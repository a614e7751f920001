import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { log } from '../../base/log.ts';
import { lookAt } from './as-left.ts';
import { exactly, isSoft, toEntry } from './entry.ts';
import { Ledger } from './ledger.ts';
import type { Alike, Listed } from './messages.ts';
import { assertInside, join as below, type TreePath } from './names.ts';
import type { Placer } from './placer.ts';
import type { TreeOptions } from './tree.ts';

/**
 * Both sides of a tree were equal when the app went from one to the other, and most of it does not change between two
 * switches. The ledger of the stream that ended there is kept: it has, of every file, the hash by which its content was
 * proven, and what both kernels said of the file when it was. The side that has it tells the other one, which so need not
 * read and hash the whole tree to become its copy.
 *
 * That is safe only because a file counts as equal where it is untouched on *both* sides since it was proven: size, time of
 * change and modification to the nanosecond, inode, birth, mode and owner are all what they were. Whoever changes a file
 * changes its time of change, which no program can set back. What the clock cannot tell apart is never trusted: a state that
 * was younger than two seconds when it was read has a signature that matches nothing (`signature`). And none of it outlives
 * a start of either machine: what was acknowledged by its kernel only may not have come to its disk, under the same times.
 */

const tablesAtOnce = 2_000_000;
const filesAtOnce = 500;

const fileOf = ({ stateFolder }: Pick<TreeOptions, 'stateFolder'>) => join(stateFolder, 'known.sqlite');
const ends = ['', '-wal', '-shm'];

/** The ledger of a stream that has ended here, closed. It takes the place of an older one. */
export function keepKnown(place: Pick<TreeOptions, 'stateFolder'>, ledger: string): void {
  forgetKnown(place);
  for (const end of ends) if (existsSync(`${ledger}${end}`)) renameSync(`${ledger}${end}`, `${fileOf(place)}${end}`);
}

export function forgetKnown(place: Pick<TreeOptions, 'stateFolder'>): void {
  for (const end of ends) rmSync(`${fileOf(place)}${end}`, { force: true });
}

/** On the side that serves. Undefined where nothing is known. */
export function openKnown(place: Pick<TreeOptions, 'stateFolder'>): Ledger | undefined {
  if (!existsSync(fileOf(place))) return undefined;
  try {
    return new Ledger(fileOf(place));
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'what was known of a file tree cannot be read; it is hashed anew');
    return undefined;
  }
}

/** Of one page of the listing, the files that are here as the stream left them; in frames that are not too long. */
export function* alikeIn(known: Ledger, dir: TreePath, names: readonly Listed[]): Generator<Alike[]> {
  let some: Alike[] = [];
  let bytes = 0;
  for (const [name, sig] of names) {
    const row = known.get(below(dir, name));
    // Names of one file are told apart by the stream alone.
    if (row?.kind !== 'file' || row.here !== sig || row.entry.linked || !row.hash || isSoft(row.sig)) continue;
    const table = row.blocks ? Buffer.from(row.blocks).toString('base64') : '';
    if (table.length > tablesAtOnce) continue;
    some.push([name, sig, row.sig, row.hash, table]);
    bytes += table.length;
    if (some.length < filesAtOnce && bytes < tablesAtOnce) continue;
    yield some;
    some = [];
    bytes = 0;
  }
  if (some.length > 0) yield some;
}

/** On the side that becomes the copy: those of them that are untouched here too need not be fetched. */
export function adoptAlike(placer: Placer, ledger: Ledger, dir: TreePath, files: readonly Alike[]): void {
  for (const [name, theirs, ours, hash, table] of files) {
    const path = below(dir, name);
    assertInside(path);
    if (ledger.sigOf(path) === theirs) continue;
    const st = lookAt(placer.tree, path);
    if (!st?.isFile() || st.nlink !== 1n || exactly(st) !== ours) continue;
    const { ino, ...entry } = { ...toEntry(path, st), sig: theirs }; // an inode in the ledger is the source's
    ledger.put(entry, hash, table ? Buffer.from(table, 'base64') : null, ours);
  }
}
