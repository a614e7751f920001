import * as fs from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import { signature } from './entry.ts';
import type { Ignore } from './ignore.ts';
import type { Listed } from './messages.ts';
import { join, type TreePath } from './names.ts';
import { handlePath, type Rooted, vanished } from './rooted.ts';

export interface Page {
  dir: TreePath;
  names: Listed[];
  last: boolean;
}

const pageSize = 500;

/** Every directory with its names, in pages; other work goes on between two pages. `enter` is called before a directory is read. */
export async function* walk(
  tree: Rooted,
  ignore: Ignore,
  enter: (dir: TreePath) => void = () => {},
  sign = signature,
): AsyncGenerator<Page> {
  const todo: TreePath[] = [''];
  for (let dir = todo.pop(); dir !== undefined; dir = todo.pop()) {
    try {
      enter(dir);
    } catch (error) {
      if (vanished(error)) continue;
      throw error;
    }
    for (const page of listing(tree, dir, ignore, todo, sign)) {
      yield page;
      await tick();
    }
  }
}

/** One directory. Its subdirectories are added to `subdirs`. A directory that is not there any more has no pages. */
export function* listing(
  tree: Rooted,
  dir: TreePath,
  ignore: Ignore,
  subdirs: TreePath[] = [],
  sign = signature,
): Generator<Page> {
  let fd: number | undefined;
  let handle: fs.Dir | undefined;
  try {
    fd = tree.open(dir);
    // The types do not know that names can be read as bytes, one char each.
    handle = fs.opendirSync(handlePath(fd, '.'), { encoding: 'latin1' as BufferEncoding, bufferSize: 256 });
    let names: Listed[] = [];
    for (let item = handle.readSync(); item; item = handle.readSync()) {
      const path = join(dir, item.name);
      if (ignore(path)) continue;
      const st = fs.lstatSync(handlePath(fd, item.name), { bigint: true, throwIfNoEntry: false });
      if (!st) continue;
      if (st.isDirectory()) subdirs.push(path);
      names.push([item.name, sign(st), st.isFile() ? Number(st.size) : 0]);
      if (names.length < pageSize) continue;
      yield { dir, names, last: false };
      names = [];
    }
    yield { dir, names, last: true };
  } catch (error) {
    if (!vanished(error)) throw error;
  } finally {
    handle?.closeSync();
    if (fd !== undefined) fs.closeSync(fd);
  }
}
