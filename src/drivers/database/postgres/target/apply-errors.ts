import type { DatabaseInstance } from '../../contract.ts';
import { logTail } from '../server/log-tail.ts';

/** The worker tries again twice a second, so an error that stands is always younger than this. */
const freshMs = 5000;

/** `2026-01-31 12:00:00.000 UTC [17] logical replication worker 42703 : ERROR:  …` */
const line =
  /^(\S+ \S+) UTC \[\d+\] logical replication (?:apply |parallel |tablesync )?worker ([0-9A-Z]{5}) : ERROR:\s+(.*)$/;

/**
 * What the stream's worker could not apply just now, in the server's words. The log says more than any view does. Older
 * than `since`, milliseconds of the epoch, is another stream's.
 */
export function lastApplyError(instance: DatabaseInstance, since: number): string | undefined {
  const earliest = Math.max(since, Date.now() - freshMs);
  const found = logTail(instance, 64 * 1024)
    .map((text) => line.exec(text))
    .filter((match) => match !== null)
    // A cut link, a source that stops: not what this is about.
    .filter(([, at, state]) => !/^(08|57)/.test(state!) && Date.parse(`${at!.replace(' ', 'T')}Z`) >= earliest);
  return found.at(-1)?.[3];
}
