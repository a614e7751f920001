import * as fs from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import { breathe } from './breath.ts';
import { Buckets, bucketCount } from './buckets.ts';
import type { Ignore } from './ignore.ts';
import { join, type TreePath } from './names.ts';
import { handlePath, type Rooted, vanished } from './rooted.ts';

/** In the order of `walkInOrder`: all directories before `dir`, and of `dir` the buckets before `upTo`. */
export interface Spot {
  dir: TreePath;
  upTo: number;
}

export interface OrderedPage extends Spot {
  names: string[];
}

const pageSize = 500;

/**
 * Every directory, before those in it, which follow in the order of their names: so that a walk may be begun again at a spot
 * where another one was, though much has come and gone meanwhile.
 */
export async function* walkInOrder(tree: Rooted, ignore: Ignore, after?: Spot): AsyncGenerator<OrderedPage> {
  const todo: TreePath[] = [''];
  for (let dir = todo.pop(); dir !== undefined; dir = todo.pop()) {
    const found = await list(tree, dir, ignore);
    if (!found) continue;
    const subdirs = after ? found.subdirs.filter((sub) => !isPast(sub, after.dir)) : found.subdirs;
    for (const sub of subdirs.sort((a, b) => (a < b ? 1 : -1))) todo.push(sub);
    const begin = after ? begun(dir, after) : 0;
    if (begin === bucketCount) continue;
    for (const page of found.names.pages(begin, pageSize)) {
      yield { dir, ...page };
      await tick();
    }
  }
}

/** The whole of it, with all that is below. */
const isPast = (dir: TreePath, spot: TreePath): boolean => order(dir) < order(spot) && !isIn(spot, dir);

/** The first bucket of `dir` that is not past. */
function begun(dir: TreePath, { dir: spot, upTo }: Spot): number {
  if (dir === spot) return upTo;
  return order(dir) < order(spot) ? bucketCount : 0;
}

const isIn = (path: TreePath, dir: TreePath): boolean => dir === '' || path === dir || path.startsWith(`${dir}/`);

/** Component by component: 'a/b' comes before 'a-b'. No name has a NUL. */
const order = (dir: TreePath): string => dir.replaceAll('/', '\0');

/** Undefined where it is not there any more. */
async function list(tree: Rooted, dir: TreePath, ignore: Ignore) {
  const names = new Buckets();
  const subdirs: TreePath[] = [];
  let fd: number | undefined;
  let handle: fs.Dir | undefined;
  try {
    fd = tree.open(dir);
    // The types do not know that names can be read as bytes, one char each.
    handle = fs.opendirSync(handlePath(fd, '.'), { encoding: 'latin1' as BufferEncoding, bufferSize: 256 });
    for (let item = handle.readSync(); item; item = handle.readSync()) {
      await breathe();
      const path = join(dir, item.name);
      if (ignore(path)) continue;
      const st = fs.lstatSync(handlePath(fd, item.name), { throwIfNoEntry: false });
      if (!st) continue;
      if (st.isDirectory()) subdirs.push(path);
      names.add(item.name);
    }
    return { names, subdirs };
  } catch (error) {
    if (!vanished(error)) throw error;
    return undefined;
  } finally {
    handle?.closeSync();
    if (fd !== undefined) fs.closeSync(fd);
  }
}
