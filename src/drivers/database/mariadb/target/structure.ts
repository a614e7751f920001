import { pipeline } from 'node:stream/promises';
import { startClient, startDump } from '../server/client-tools.ts';
import { ended } from '../server/run.ts';
import { sourceAddress } from '../ticket.ts';
import { adminOf } from '../wire/connect.ts';
import type { CopyJob } from './copy.ts';

const tables = ['--no-data', '--routines', '--skip-triggers', '--skip-events'];
const afterRows = ['--no-data', '--no-create-info', '--no-create-db', '--triggers', '--events', '--skip-routines'];

/** Databases, tables, sequences, views and routines. */
export const copyTables = (job: CopyJob, schemas: string[]): Promise<void> => replay(job, schemas, tables);

/** Triggers, which must not see the rows that are copied, and events, which run when the scheduler does. */
export const copyTriggers = (job: CopyJob, schemas: string[]): Promise<void> => replay(job, schemas, afterRows);

async function replay({ instance, ticket, from, signal }: CopyJob, schemas: string[], what: string[]): Promise<void> {
  if (schemas.length === 0) return;
  const args = [...what, '--databases', ...schemas];
  const dump = await startDump(instance, sourceAddress(ticket, from), args, { signal });
  const client = await startClient(instance, adminOf(instance), { signal });
  client.stdout!.resume();
  const ends = Promise.all([ended(dump, 'the dump'), ended(client, 'the client')]);
  ends.catch(() => {});
  await pipeline(dump.stdout!, client.stdin!, { signal }).catch(() => {});
  await ends;
}
