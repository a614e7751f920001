/**
 * A path inside a tree is a *byte string*: each char is one byte of the name (latin1), so that names which are not UTF-8
 * survive JSON, SQLite and comparison. The root is ''. Nothing but this file turns such a path into bytes for the kernel.
 */
export type TreePath = string;

export const bytes = (path: TreePath): Buffer => Buffer.from(path, 'latin1');

export const join = (dir: TreePath, name: string): TreePath => (dir === '' ? name : `${dir}/${name}`);

export function parent(path: TreePath): TreePath {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export const base = (path: TreePath): string => path.slice(path.lastIndexOf('/') + 1);

/** Throws for whatever a peer might send to reach outside of the root: '..', absolute, empty parts, NUL. '' is the root. */
export function assertInside(path: unknown): asserts path is TreePath {
  if (typeof path !== 'string') throw new Error('a path of the peer is not text');
  if (path === '') return;
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..' || part.length > 255 || /[\0\u0100-\uffff]/.test(part))
      throw new Error(`the peer sent a path that leaves the tree: ${JSON.stringify(path)}`);
  }
}

/** For people: UTF-8 where it is, else with \x escapes; control characters always escaped. */
export function readable(path: TreePath): string {
  const text = bytes(path).toString('utf8');
  const shown = text.includes('\ufffd') ? path.replace(/[^\x20-\x7e]/g, hex) : text;
  return shown.replace(/[\x00-\x1f\x7f]/g, hex) || '.';
}

const hex = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
