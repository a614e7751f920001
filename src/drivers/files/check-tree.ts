import * as fs from 'node:fs';
import type { Finding } from '../store.ts';
import { sysctl } from './flood.ts';
import type { Ignore } from './ignore.ts';
import { extendedAttributes } from './measure.ts';
import { join, readable } from './names.ts';
import { type Rooted, vanished } from './rooted.ts';
import { walk } from './walk.ts';

/** Can it all be read, and can it all be watched? */
export async function checkTree(tree: Rooted, ignore: Ignore): Promise<Finding[]> {
  if (!fs.existsSync(tree.root))
    return [
      finding(
        'files-root',
        'fail',
        `${tree.root} does not exist`,
        'Create the folder, or correct the path in storky.yaml.',
      ),
    ];
  let directories = 0;
  const unreadable: string[] = [];
  try {
    for await (const page of walk(tree, ignore)) {
      if (page.last) directories++;
      for (const [name] of page.names) {
        const path = join(page.dir, name);
        if (unreadable.length < 5 && !canRead(tree, path)) unreadable.push(readable(path));
      }
    }
  } catch (error) {
    unreadable.push((error as Error).message);
  }
  return [readability(unreadable), watching(directories), await attributes(tree.root)];
}

const finding = (id: string, verdict: Finding['verdict'], detail: string, remedy: string | null = null): Finding => ({
  id,
  verdict,
  detail,
  remedy,
});

function readability(unreadable: string[]): Finding {
  if (unreadable.length === 0) return finding('files-readable', 'pass', 'every file can be read');
  const remedy = 'Run the agent as root, or give its account the right to read these.';
  return finding('files-readable', 'fail', `cannot be read: ${unreadable.join(', ')}`, remedy);
}

function watching(directories: number): Finding {
  const watches = sysctl('max_user_watches', 8192);
  if (directories < watches * 0.8)
    return finding('files-watches', 'pass', `${counted(directories)} to watch, of ${watches} that may be`);
  const remedy = `Run \`sysctl fs.inotify.max_user_watches=${directories * 2}\` on the source. Without it the freeze includes a scan of the whole tree.`;
  return finding('files-watches', 'warn', `${counted(directories)} to watch, but only ${watches} may be`, remedy);
}

const counted = (n: number) => `${n} ${n === 1 ? 'directory' : 'directories'}`;

async function attributes(root: string): Promise<Finding> {
  const found = await extendedAttributes(root);
  if (found === undefined)
    return finding(
      'files-attributes',
      'warn',
      'extended attributes and ACLs are not moved, and could not be looked for',
      'Install `attr` on the source and run the preflight again to see whether the tree has any.',
    );
  if (found.length === 0) return finding('files-attributes', 'pass', 'no extended attributes or ACLs');
  return finding(
    'files-attributes',
    'warn',
    `${found.length} files have extended attributes or ACLs, which are not moved`,
    'Set them again on the target, or use the carrier `backup`, which keeps them.',
  );
}

function canRead(tree: Rooted, path: string): boolean {
  try {
    return tree.at(path, (at) => {
      const st = fs.lstatSync(at, { throwIfNoEntry: false });
      if (st?.isFile()) fs.accessSync(at, fs.constants.R_OK);
      if (st?.isDirectory()) fs.accessSync(at, fs.constants.R_OK | fs.constants.X_OK);
      return true;
    });
  } catch (error) {
    return vanished(error);
  }
}
