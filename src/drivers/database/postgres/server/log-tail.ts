import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseInstance } from '../../contract.ts';

/** The last so many bytes of what the server says, in lines; the first may be cut. */
export function logTail({ folder, guest }: Pick<DatabaseInstance, 'folder' | 'guest'>, bytes: number): string[] {
  if (guest) return []; // it says it to its container's log, in a form that its owner chose
  return tail(newestLog(join(folder, 'log')), bytes).split('\n');
}

function newestLog(folder: string): string | undefined {
  const logs = readdirSync(folder)
    .filter((name) => name.startsWith('postgresql-'))
    .map((name) => join(folder, name));
  return logs.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

function tail(path: string | undefined, bytes: number): string {
  if (!path) return '';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(bytes, size));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}
