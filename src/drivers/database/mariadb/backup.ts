import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Report } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import { type Accounts, readAccounts, replaceAccounts } from './accounts.ts';
import { appSchemas } from './catalog.ts';
import { createStatement } from './external/contents.ts';
import { definersOf, makeAccounts } from './external/definers.ts';
import { prepareToFill } from './external/fill.ts';
import { storkySchema } from './names.ts';
import { startClient, startDump } from './server/client-tools.ts';
import { ended } from './server/run.ts';
import { beginAnew } from './target/reset.ts';
import { adminOf, type Client, withClient } from './wire/connect.ts';
import { literal } from './wire/sql.ts';

/** Before the statements. */
export interface Header {
  /** None where the server is not the app's alone. */
  accounts: Accounts | null;
  /** Who acts in what was made, beside the app. */
  definers: string[];
  /** One is dumped without its name, so that it may come into one of another name; several are with their names. */
  schemas: { name: string; create: string; charset: string; collation: string }[];
}

/** One line of JSON with the accounts; then statements: structure and rows of one moment, triggers, routines, events. */
export async function backupServer(instance: DatabaseInstance, client: Client): Promise<Readable> {
  const schemas = await appSchemas(client);
  const header: Header = {
    accounts: client.share ? null : await readAccounts(client),
    definers: await definersOf(client, schemas),
    schemas: await Promise.all(schemas.map((schema) => schemaIn(client, schema))),
  };
  const out = new PassThrough();
  out.write(`${JSON.stringify(header)}\n`);
  if (schemas.length === 0) return out.end();
  const args = [
    '--single-transaction',
    '--quick',
    '--hex-blob',
    '--routines',
    '--triggers',
    '--events',
    ...(schemas.length > 1 ? ['--databases'] : []),
    '--',
    ...schemas,
  ];
  const dump = await startDump(instance, adminOf(instance), args);
  const failed = ended(dump, 'the dump');
  // The end of the dump is only the end when the tool says that it ended well.
  pipeline(dump.stdout!, out, { end: false })
    .then(() => failed)
    .then(() => out.end())
    .catch((error: Error) => {
      dump.kill('SIGKILL');
      out.destroy(error);
    });
  failed.catch((error: Error) => out.destroy(error));
  return out;
}

/** Makes the server's content anew from a stream of `backupServer`. */
export async function restoreServer(
  instance: DatabaseInstance,
  dump: Readable,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { header, rest } = await readHeader(dump);
  const { external } = instance;
  const [only] = header.schemas.length === 1 ? header.schemas : [];
  try {
    if (external) await prepareToFill(instance, header);
    else await withClient(adminOf(instance), (admin) => prepareAnew(admin, instance, only));
  } catch (error) {
    // Whoever writes it is not kept waiting.
    dump.destroy();
    throw error;
  }
  const into = only && (external ? instance.database : only.name);
  const client = await startClient(instance, adminOf(instance), { signal }, into);
  client.stdout!.resume();
  const end = ended(client, 'the client');
  end.catch(() => {});
  let bytes = rest.length;
  dump.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    report({ done: bytes, total: null, unit: 'bytes', note: 'restore' });
  });
  client.stdin!.write(rest);
  // The tool says why it stopped; that its input then breaks is only the consequence.
  await pipeline(dump, client.stdin!, { signal }).catch((error) => end.then(() => Promise.reject(error)));
  await end;
  if (external) return;
  await withClient(adminOf(instance), async (admin) => {
    if (header.accounts) await replaceAccounts(admin, header.accounts, instance);
    else await makeAccounts(admin, instance, header.definers);
    await admin.query(`DROP DATABASE IF EXISTS ${storkySchema}`);
  });
}

async function prepareAnew(
  client: Client,
  instance: DatabaseInstance,
  only: Header['schemas'][number] | undefined,
): Promise<void> {
  await beginAnew(client, instance);
  if (only) await client.query(only.create);
}

async function schemaIn(client: Client, name: string): Promise<Header['schemas'][number]> {
  const [row] = await client.query(
    `SELECT DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA WHERE BINARY SCHEMA_NAME = ${literal(name)}`,
  );
  return { name, create: await createStatement(client, name), charset: row!.charset!, collation: row!.collation! };
}

async function readHeader(dump: Readable): Promise<{ header: Header; rest: Buffer }> {
  let head = Buffer.alloc(0);
  while (!head.includes(10)) {
    const chunk = dump.read() as Buffer | null;
    if (chunk) head = Buffer.concat([head, chunk]);
    else if (dump.readableEnded) throw new Error('the dump ended before it began');
    else await Promise.race([once(dump, 'readable'), once(dump, 'end')]);
  }
  const end = head.indexOf(10);
  return { header: JSON.parse(head.subarray(0, end).toString('utf8')) as Header, rest: head.subarray(end + 1) };
}
