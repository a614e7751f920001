import { ownServer } from '../names.ts';
import { type Client, transaction } from './connect.ts';

/**
 * For statements that hold a password: whatever the server is told to log, and whether they fail or not, their text does
 * not get into its log. One transaction.
 */
export function quietly<T>(client: Client, work: () => Promise<T>): Promise<T> {
  return transaction(client, async () => {
    await client.query(quiet);
    return work();
  });
}

/** In the caller's transaction. On a server that Storky does not run, only a superuser may say what is logged. */
export const quiet = `
  DO $$ BEGIN
    SET LOCAL log_min_error_statement = panic; SET LOCAL log_statement = 'none';
    SET LOCAL log_min_duration_statement = -1; SET LOCAL log_min_duration_sample = -1; SET LOCAL log_duration = off;
  EXCEPTION WHEN insufficient_privilege THEN
    IF ${ownServer} THEN RAISE; END IF;
  END $$`;
