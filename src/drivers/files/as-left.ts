import { type BigIntStats, lstatSync } from 'node:fs';
import { exactly, kindOf } from './entry.ts';
import type { Row } from './ledger.ts';
import type { TreePath } from './names.ts';
import { microseconds } from './placer.ts';
import { type Rooted, vanished } from './rooted.ts';

const owners = process.getuid?.() === 0;

export function lookAt(tree: Rooted, path: TreePath): BigIntStats | undefined {
  try {
    return tree.at(path, (at) => lstatSync(at, { bigint: true, throwIfNoEntry: false }));
  } catch (error) {
    if (vanished(error)) return undefined;
    throw error;
  }
}

/**
 * Has nobody changed it since the stream put it there? Times of a directory change with what is in it, and those of a file with its other names: these are compared by what was
 * set; all else by what the kernel counts too, so that a time that was put back hides nothing.
 */
export function asLeft({ kind, sig, here, entry }: Row, st: BigIntStats): boolean {
  if (kindOf(st) !== kind) return false;
  if (kind === 'dir' && sig === '') return true; // its times are set when the batch has ended
  if (kind !== 'dir' && st.nlink === 1n) return here === exactly(st);
  const set = Number(st.mode & 0o7777n) === entry.mode && microseconds(st.mtimeNs) === microseconds(entry.mtime);
  const owned = !owners || (Number(st.uid) === entry.uid && Number(st.gid) === entry.gid);
  return set && owned && (kind === 'dir' || Number(st.size) === entry.size);
}
