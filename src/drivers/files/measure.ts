import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import type { Measure } from '../store.ts';
import type { Ignore } from './ignore.ts';
import { join, readable } from './names.ts';
import { type Rooted, vanished } from './rooted.ts';
import { walk } from './walk.ts';

const run = promisify(execFile);
const shown = 5;

/** Bytes on disk, each hard-linked file once; and what cannot be carried. */
export async function measureTree(tree: Rooted, ignore: Ignore): Promise<Measure> {
  const linked = new Set<string>();
  const sockets: string[] = [];
  const devices: string[] = [];
  let bytes = 0;
  let items = 0;
  for await (const page of walk(tree, ignore)) {
    for (const [name] of page.names) {
      const path = join(page.dir, name);
      const st = statOf(tree, path);
      if (!st) continue;
      items++;
      if (st.isSocket()) sockets.push(readable(path));
      if (st.isBlockDevice() || st.isCharacterDevice()) devices.push(readable(path));
      if (!st.isFile() || (st.nlink > 1 && linked.has(`${st.ino}`))) continue;
      if (st.nlink > 1) linked.add(`${st.ino}`);
      bytes += st.blocks * 512;
    }
  }
  const notMoved = sockets.length > 0 ? [`sockets, which their processes make anew: ${some(sockets)}`] : [];
  if (devices.length > 0 && process.getuid?.() !== 0)
    notMoved.push(`devices, which only root can make: ${some(devices)}`);
  const attributes = await extendedAttributes(tree.root);
  if (attributes && attributes.length > 0)
    notMoved.push(`extended attributes, ACLs and capabilities of: ${some(attributes)}`);
  return { bytes, items, notMoved };
}

const some = (names: string[]): string =>
  names.slice(0, shown).join(', ') + (names.length > shown ? ` and ${names.length - shown} more` : '');

function statOf(tree: Rooted, path: string): fs.Stats | undefined {
  try {
    return tree.at(path, (at) => fs.lstatSync(at, { throwIfNoEntry: false }));
  } catch (error) {
    if (vanished(error)) return undefined;
    throw error;
  }
}

/** Files that have some; undefined where this machine has no tool to look for them: node has no call for it. */
export async function extendedAttributes(root: string): Promise<string[] | undefined> {
  const options = { maxBuffer: 4 * 1024 * 1024, timeout: 60_000 };
  try {
    const { stdout } = await run(
      'getfattr',
      ['-R', '-P', '-h', '-m', '^(user|security\\.capability|system\\.posix_acl|trusted)', '--absolute-names', root],
      options,
    );
    return [...stdout.matchAll(/^# file: (.*)$/gm)].map((match) => match[1]!);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return [];
  }
}
