import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Report } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import { prepareToFill } from './external/fill.ts';
import { storkySchema } from './names.ts';
import {
  importDatabaseProperties,
  importRoles,
  readSurroundings,
  recreateDatabase,
  type Surroundings,
} from './roles.ts';
import { toolFor } from './server/binaries.ts';
import { ended, start } from './server/run.ts';
import { adminOf, besides, type Client, withClient } from './wire/connect.ts';
import { tlsEnvironment } from './wire/tls.ts';

/** One line of JSON with the roles and the database's properties, which pg_dump does not write; then its own format. */
export async function backupDatabase(instance: DatabaseInstance, client: Client): Promise<Readable> {
  const surroundings = await readSurroundings(client);
  const tool = await toolFor(instance, 'pg_dump', instance.version);
  const child = start(
    tool,
    [
      '--format=custom',
      '--compress=1',
      `--exclude-schema=${storkySchema}`,
      '--no-publications',
      '--no-subscriptions',
      ...login(instance),
    ],
    {
      env: environmentOf(instance),
    },
  );
  const out = new PassThrough();
  out.write(`${JSON.stringify(surroundings)}\n`);
  const failed = ended(child, tool);
  // The end of the dump is only the end when pg_dump says that it ended well.
  pipeline(child.stdout!, out, { end: false })
    .then(() => failed)
    .then(() => out.end())
    .catch((error: Error) => {
      child.kill('SIGKILL');
      out.destroy(error);
    });
  failed.catch((error: Error) => out.destroy(error));
  return out;
}

/** Makes the database anew from a stream of `backupDatabase`. */
export async function restoreDatabase(
  instance: DatabaseInstance,
  dump: Readable,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { surroundings, rest } = await readHeader(dump);
  if (instance.external) await prepareToFill(instance, surroundings);
  else await makeAnew(instance, surroundings);
  const tool = await toolFor(instance, 'pg_restore', instance.version);
  const child = start(tool, ['--exit-on-error', ...login(instance)], {
    env: environmentOf(instance),
    stdin: 'pipe',
    signal,
  });
  let bytes = rest.length;
  dump.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    report({ done: bytes, total: null, unit: 'bytes', note: 'restore' });
  });
  child.stdin!.write(rest);
  await Promise.all([pipeline(dump, child.stdin!, { signal }), ended(child, tool)]);
  await withClient(adminOf(instance), (client) => client.query('ANALYZE'));
}

async function makeAnew(instance: DatabaseInstance, surroundings: Surroundings): Promise<void> {
  await withClient(besides(instance), async (client) => {
    await importRoles(client, surroundings);
    await recreateDatabase(client, instance.database, surroundings);
    await importDatabaseProperties(client, instance.database, surroundings);
  });
}

async function readHeader(dump: Readable): Promise<{ surroundings: Surroundings; rest: Buffer }> {
  let head = Buffer.alloc(0);
  while (!head.includes(10)) {
    const chunk = dump.read() as Buffer | null;
    if (chunk) head = Buffer.concat([head, chunk]);
    else if (dump.readableEnded) throw new Error('the dump ended before it began');
    else await Promise.race([once(dump, 'readable'), once(dump, 'end')]);
  }
  const end = head.indexOf(10);
  return {
    surroundings: JSON.parse(head.subarray(0, end).toString('utf8')) as Surroundings,
    rest: head.subarray(end + 1),
  };
}

const environmentOf = ({ adminPassword, external }: DatabaseInstance) => ({
  PGPASSWORD: adminPassword,
  ...tlsEnvironment(external),
});

const login = (i: DatabaseInstance) => [
  `--host=${i.host}`,
  `--port=${i.port}`,
  `--username=${i.adminUser}`,
  `--dbname=${i.database}`,
  '--no-password',
];
