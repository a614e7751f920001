import { existsSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { giveToAccount } from '../../base/account.ts';
import type { FileTree } from '../../protocol/app-record/parts.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { AppPaths } from './app-paths.ts';

/** Makes a tree's own folder, where it lives through every release. Idempotent. */
export function makeTree(paths: AppPaths, app: string, name: string): string {
  const folder = paths.tree(app, name);
  mkdirSync(paths.trees(app), { recursive: true, mode: 0o711 });
  if (!existsSync(folder)) {
    mkdirSync(folder, { mode: 0o750 });
    giveToAccount(folder);
  }
  return folder;
}

/**
 * Shows the app its trees where it looks for them in a release. What the archive has at that place is the tree's first
 * content; later, and where the tree came from another region, it is dropped.
 */
export function showTrees(paths: AppPaths, app: string, release: string, trees: readonly FileTree[]): void {
  for (const tree of trees) {
    const place = join(release, tree.path);
    const link = relative(dirname(place), paths.tree(app, tree.name));
    if (existsSync(place) && leadsTo(place) === link) continue; // It may be in use: no moment without it.
    makeParents(release, tree.path);
    if (isFolder(place) && !existsSync(paths.tree(app, tree.name))) {
      mkdirSync(paths.trees(app), { recursive: true, mode: 0o711 });
      renameSync(place, paths.tree(app, tree.name));
    } else {
      rmSync(place, { recursive: true, force: true });
    }
    makeTree(paths, app, tree.name);
    symlinkSync(link, place);
  }
}

/** We may be root here, and the archive a stranger's: a link among the parents would let it choose where we write. */
function makeParents(release: string, path: string): void {
  let at = release;
  for (const part of dirname(path)
    .split('/')
    .filter((name) => name !== '.' && name !== '')) {
    at = join(at, part);
    if (isFolder(at)) continue;
    if (lstatSync(at, { throwIfNoEntry: false }))
      throw new StorkyError('bad_request', {
        detail: `${path} lies below ${part}, which is not a folder`,
        field: 'files',
      });
    mkdirSync(at, 0o755);
    giveToAccount(at);
  }
}

const leadsTo = (path: string): string | undefined =>
  lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
const isFolder = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
