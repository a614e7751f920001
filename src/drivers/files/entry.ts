import { hash, randomBytes } from 'node:crypto';
import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs';
import type { TreePath } from './names.ts';

export type Kind = 'file' | 'dir' | 'link' | 'fifo' | 'socket' | 'char' | 'block';

/** One entry of a tree as it crosses the link. */
export interface Entry {
  path: TreePath;
  kind: Kind;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970, as text. */
  mtime: string;
  size: number;
  /** Of the source's file system only: changes whenever the entry does. See `signature`. */
  sig: string;
  /** Symlinks: the target, verbatim. */
  link?: string;
  /** Files: the same key means the same file. */
  ino?: string;
  /** The file has other names, in the tree or outside. */
  linked?: boolean;
  /** Devices. */
  rdev?: number;
  /** Has holes. */
  sparse?: boolean;
}

/** A change within this time of the reading may leave the same time stamps behind; milliseconds. */
const racyMs = 2000;

export const soft = (): string => `~${randomBytes(9).toString('base64url')}`;
export const isSoft = (sig: string): boolean => sig.startsWith('~');

/**
 * What a scan compares: size, times, inode, mode and owner in one short text. An entry changed a moment ago gets one that
 * never matches again (`soft`): its time stamps cannot tell this state from the next, so the next scan hashes it anew.
 */
export function signature(st: BigIntStats): string {
  const changed = Math.max(Number(st.ctimeMs), Number(st.mtimeMs));
  return !st.isDirectory() && Date.now() - changed < racyMs ? soft() : exactly(st);
}

/** The same, of an entry however new: it tells this state from the next unless both are of one tick of the kernel's clock. */
export function exactly(st: BigIntStats): string {
  const size = st.isDirectory() ? 0n : st.size;
  const text = `${size}.${st.mtimeNs}.${st.ctimeNs}.${st.ino}.${st.birthtimeNs}.${st.mode}.${st.uid}.${st.gid}.${st.rdev}`;
  return hash('sha256', text, 'base64url').slice(0, 22);
}

export function kindOf(st: BigIntStats): Kind {
  if (st.isFile()) return 'file';
  if (st.isDirectory()) return 'dir';
  if (st.isSymbolicLink()) return 'link';
  if (st.isFIFO()) return 'fifo';
  if (st.isSocket()) return 'socket';
  return st.isCharacterDevice() ? 'char' : 'block';
}

export function toEntry(path: TreePath, st: BigIntStats): Entry {
  const kind = kindOf(st);
  const entry: Entry = {
    path,
    kind,
    mode: Number(st.mode & 0o7777n),
    uid: Number(st.uid),
    gid: Number(st.gid),
    mtime: String(st.mtimeNs),
    size: kind === 'file' ? Number(st.size) : 0,
    sig: signature(st),
  };
  if (kind === 'file') entry.ino = `${st.dev}:${st.ino}:${st.birthtimeNs}`;
  if (kind === 'file' && st.nlink > 1n) entry.linked = true;
  if (kind === 'file' && st.blocks * 512n < st.size) entry.sparse = true;
  if (kind === 'char' || kind === 'block') entry.rdev = Number(st.rdev);
  return entry;
}

/** Reads everything but the content. `at` is the kernel's path of the entry. */
export function readEntry(path: TreePath, at: Buffer): Entry {
  const entry = toEntry(path, lstatSync(at, { bigint: true }));
  if (entry.kind === 'link') entry.link = readlinkSync(at, { encoding: 'latin1' });
  return entry;
}
