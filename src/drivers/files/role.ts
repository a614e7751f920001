import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { bootId } from './boot.ts';
import { forgetKnown } from './known.ts';
import type { TreeOptions } from './tree.ts';

type Place = Pick<TreeOptions, 'root' | 'stateFolder'>;

/**
 * Durable: who may write to this tree, while streams of Storky begin or end here. Without a record, any stream may: it is a
 * copy that is being made.
 *
 * - `serving`: the app, and no stream.
 * - `left`: a switch has left it. The one stream that `follows` names, which is the way back, and nobody else (invariant 6).
 */
interface Role {
  role: 'serving' | 'left';
  follows: string | null;
  /** Of the root: a folder that was made anew has no past. */
  folder: string;
  /** When it came to this. */
  boot?: string;
}

export const ledgerFile = (stateFolder: string, stream: string): string => join(stateFolder, `ledger-${stream}.sqlite`);
export const sourceFile = (stateFolder: string, stream: string): string => join(stateFolder, `source-${stream}.json`);

/** From here on the app writes. Where no stream begins or ends here, as after a backup, there is nothing to guard against. */
export function recordServing(place: Place): void {
  if (streams(place).length > 0 || read(place)) write(place, 'serving', null);
  else forget(place);
}

/** A switch has left this tree. Which stream it follows since, if it was so before, stays. */
export function recordLeft(place: Place): void {
  if (read(place)?.role !== 'left') write(place, 'left', null);
}

/** @throws StorkyError engine_refused where no switch has left this tree */
export function recordFollows(place: Place, stream: string): void {
  const known = read(place);
  if (known?.role !== 'left') throw refused('no switch has left this tree: nothing is copied over it');
  if (known.follows !== stream) write(place, 'left', stream, known.boot);
}

export function roleOf(place: Place): Role | undefined {
  return read(place);
}

/** @throws StorkyError engine_refused */
export function assertMayWrite(place: Place, stream: string): void {
  const known = read(place);
  if (known?.role === 'serving') throw refused('the tree is active here, and is not overwritten');
  if (known?.role === 'left' && known.follows !== stream)
    throw refused('a switch has left this tree: it follows nothing but the way back');
}

/** A switch has left it since the machine was started: what was written here before is as the app left it. */
export function leftInThisBoot(place: Place): boolean {
  const known = read(place);
  return known?.role === 'left' && known.boot === bootId();
}

export function forget({ stateFolder }: Place): void {
  rmSync(file(stateFolder), { force: true });
}

/** With the last stream the record that it serves goes, and a state folder that has become empty; other state stays. */
export function leaveStateFolder(place: Place): void {
  if (streams(place).length === 0) {
    forgetKnown(place);
    if (read(place)?.role !== 'left') forget(place);
  }
  try {
    rmdirSync(place.stateFolder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Files of the streams that begin or end here. */
export function streams({ stateFolder }: Place): string[] {
  try {
    return readdirSync(stateFolder).filter((name) => /^(ledger-.*\.sqlite|source-.*\.json)$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const file = (stateFolder: string): string => join(stateFolder, 'role.json');

function read(place: Place): Role | undefined {
  const known = readJson<Role>(file(place.stateFolder));
  return known?.folder === identity(place) ? known : undefined;
}

function write(place: Place, role: Role['role'], follows: string | null, boot = bootId()): void {
  writeJsonAtomic(file(place.stateFolder), { role, follows, folder: identity(place), boot } satisfies Role);
}

function identity({ root }: Place): string {
  const found = statSync(root, { bigint: true, throwIfNoEntry: false });
  return found ? `${found.dev}:${found.ino}:${found.birthtimeNs}` : '';
}

export const refused = (detail: string) =>
  new StorkyError('engine_refused', { engine: 'files', detail, hint: 'Mend the cause and run the phase again.' });
