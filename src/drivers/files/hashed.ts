import * as fs from 'node:fs';
import { readEntry } from './entry.ts';
import type { Hashed } from './messages.ts';
import { base, parent, type TreePath } from './names.ts';
import { microseconds } from './placer.ts';
import { handlePath, type Rooted, vanished } from './rooted.ts';
import { hashContent } from './send-file.ts';

const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

/** Only root may set them, so only there they are compared. */
export const owners = process.getuid?.() === 0;

/** Everything that has to be equal on both sides, the content by its hash. Null where there is nothing. */
export async function readHashed(tree: Rooted, path: TreePath): Promise<Hashed | null> {
  let dir: number | undefined;
  try {
    dir = tree.open(parent(path));
    const at = handlePath(dir, path === '' ? '.' : base(path));
    const entry = readEntry(path, at);
    const hash = entry.kind === 'file' ? await hashOf(at, entry.size) : '';
    return [
      base(path),
      entry.kind,
      entry.mode,
      entry.uid,
      entry.gid,
      microseconds(entry.mtime),
      entry.size,
      entry.link ?? entry.rdev ?? '',
      hash,
    ];
  } catch (error) {
    if (vanished(error)) return null;
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return [base(path), 'file', 0, 0, 0, '', 0, '', 'unreadable'];
  } finally {
    if (dir !== undefined) fs.closeSync(dir);
  }
}

async function hashOf(at: Buffer, size: number): Promise<string> {
  const fd = fs.openSync(at, flags);
  try {
    return (await hashContent(fd, size)).root();
  } finally {
    fs.closeSync(fd);
  }
}

/** In words, or undefined where they are equal. Owners count only where this process may set them. */
export function difference(here: Hashed | null, there: Hashed | null, owners: boolean): string | undefined {
  const left = isMoved(here, owners) ? here : null;
  const right = isMoved(there, owners) ? there : null;
  if (!left && !right) return undefined;
  if (!left) return 'is missing on the target';
  if (!right) return 'is only on the target';
  const fields = ['name', 'kind', 'mode', 'owner', 'group', 'modification time', 'size', 'link target', 'content'];
  const differing = fields.filter(
    (field, i) =>
      left[i] !== right[i] &&
      (owners || (field !== 'owner' && field !== 'group')) &&
      !(field === 'mode' && left[1] === 'link'),
  );
  return differing.length > 0 ? `differs in ${differing.join(', ')}` : undefined;
}

const isMoved = (entry: Hashed | null, owners: boolean): boolean =>
  entry !== null && entry[1] !== 'socket' && (owners || (entry[1] !== 'char' && entry[1] !== 'block'));
