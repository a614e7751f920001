import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Two processes may come to decide the same thing at the same moment: at the end of a hold's budget the router would
 * serve again while the agent, stalled until then, would make the source passive. Whoever claims first decides; the
 * other reads the word that holds. Atomic by `link`, which never replaces. Not durable: the truth after a crash of the
 * machine is the epoch record, and the claim of a dead machine is dropped before the next switch.
 */
export function claim(path: string, word: string): string {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, word);
  try {
    linkSync(temporary, path);
    return word;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Where the decision of an epoch is claimed, beside the epoch record. */
export const claimPath = (epochFile: string, epoch: number): string => `${epochFile}.${epoch}.claim`;

export const dropClaim = (path: string): void => rmSync(path, { force: true });

/** Of every epoch: no switch is under way that could ask for one. */
export function dropClaims(epochFile: string): void {
  const ours = `${basename(epochFile)}.`;
  const folder = dirname(epochFile);
  for (const name of readdirSync(folder))
    if (name.startsWith(ours) && name.endsWith('.claim')) dropClaim(join(folder, name));
}
