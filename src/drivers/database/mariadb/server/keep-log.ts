import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import type { DatabaseInstance } from '../../contract.ts';

type Place = Pick<DatabaseInstance, 'folder'>;
const fileOf = ({ folder }: Place) => join(folder, 'keep-log');

/** How long the server keeps its binary log by itself, seconds. */
export const keptSeconds = 7 * 24 * 3600;

/** While a way back needs the log, the server itself removes none of it: 0 is never. Survives its restart. */
export const expirySeconds = (place: Place): number => (existsSync(fileOf(place)) ? 0 : keptSeconds);

export function keepLog(place: Place, keep: boolean): void {
  if (!existsSync(place.folder)) return;
  if (!keep) rmSync(fileOf(place), { force: true });
  else if (!existsSync(fileOf(place))) writeFileAtomic(fileOf(place), '');
}
