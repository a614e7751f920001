import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.js';

/** Hand-written files that git knows or would add, as paths from the root. */
export function sources(pattern) {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\0'))].filter((path) => pattern.test(path) && existsSync(join(root, path))).sort();
}

/** Modules of the product: what is only there for tests may import and say what it likes. */
export const modules = () =>
  sources(/^src\/.*\.tsx?$/).filter((path) => !/\.test(-support)?\.|\/testing\/|\/conformance\//.test(path));

export const textOf = (path) => readFileSync(join(root, path), 'utf8');

/** Prints what is wrong, or the praise; sets the exit code. */
export function conclude(problems, praise) {
  console.log(problems.length > 0 ? problems.join('\n') : praise);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
