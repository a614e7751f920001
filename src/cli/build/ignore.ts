import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorkyError } from '../../protocol/errors.ts';

/**
 * `.storkyignore` as options of GNU tar. A line is a pattern: with a slash (not at its end) it counts from the app's
 * folder, else at any depth; `*` does not cross slashes; `#` begins a comment. Taking something in again (`!`) is refused,
 * since tar cannot.
 */
export function ignoreOptions(folder: string): string[] {
  return patterns(folder).flatMap(({ text, line }) => {
    if (text.startsWith('!'))
      throw new StorkyError('bad_manifest', { file: '.storkyignore', line, detail: 'a pattern cannot begin with !' });
    const pattern = text.replace(/\/+$/, '');
    return pattern.includes('/')
      ? excludeFromTop(pattern.replace(/^\/+/, ''))
      : ['--no-anchored', '--wildcards', '--no-wildcards-match-slash', `--exclude=${pattern}`];
  });
}

/** Of the app's own folder only; tar sees each path as `./path`. */
export const excludeFromTop = (pattern: string) => [
  '--anchored',
  '--wildcards',
  '--no-wildcards-match-slash',
  `--exclude=./${pattern}`,
];

function patterns(folder: string): { text: string; line: number }[] {
  try {
    return readFileSync(join(folder, '.storkyignore'), 'utf8')
      .split('\n')
      .map((text, i) => ({ text: text.trim(), line: i + 1 }))
      .filter(({ text }) => text !== '' && !text.startsWith('#'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
