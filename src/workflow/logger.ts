import type { DBOSConfig } from '@dbos-inc/dbos-sdk';
import { log } from '../base/log.ts';

/** DBOS tells much; only its warnings and errors are for our log. */
export const quietLogger: NonNullable<DBOSConfig['logger']> = {
  info: () => {},
  debug: () => {},
  warn: (entry) => void log.debug({ from: 'dbos' }, String(entry)),
  error: (entry) => void log.warn({ from: 'dbos' }, String(entry)),
};
