import type { TreePath } from './names.ts';

export type Ignore = (path: TreePath) => boolean;

/**
 * Patterns of the app record. Without a slash they match a name in any folder, with one the path from the root;
 * `*` and `?` stay within a name, `**` crosses folders. What lies in an ignored folder is ignored with it, since no walk
 * enters it. On the target ignored entries are never removed.
 */
export function ignoring(patterns: string[]): Ignore {
  const tests = patterns
    .map((pattern) => pattern.replace(/\/+$/, ''))
    .filter(Boolean)
    .map(toTest);
  return (path) => path !== '' && tests.some((test) => prefixes(path).some(test));
}

function toTest(pattern: string): Ignore {
  const anchored = pattern.includes('/');
  const raw = Buffer.from(anchored ? pattern.replace(/^\//, '') : pattern, 'utf8').toString('latin1');
  const body = raw
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (glob) =>
      glob === '**/' ? '(?:.*/)?' : glob === '**' ? '.*' : glob === '*' ? '[^/]*' : '[^/]',
    );
  const expression = new RegExp(anchored ? `^${body}$` : `(?:^|/)${body}$`, 's');
  return (path) => expression.test(path);
}

function prefixes(path: TreePath): TreePath[] {
  const out: TreePath[] = [];
  for (let i = path.indexOf('/'); i >= 0; i = path.indexOf('/', i + 1)) out.push(path.slice(0, i));
  return [...out, path];
}
