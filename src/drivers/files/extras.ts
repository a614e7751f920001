import type { Home } from './home.ts';
import { join, type TreePath } from './names.ts';

/** What is here and was not listed: the source is asked about it, since it may have come in between. */
export function extras(
  home: Home,
  dir: TreePath,
  listed: Set<string>,
  here: Iterable<string> = home.placer.names(dir),
): TreePath[] {
  return [...here]
    .filter((name) => !listed.has(name))
    .map((name) => join(dir, name))
    .filter((path) => !home.ignore(path));
}
