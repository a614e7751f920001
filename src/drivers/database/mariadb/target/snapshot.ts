import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import { type Accounts, readAccounts } from '../accounts.ts';
import { carriedTables } from '../catalog.ts';
import type { Dialect } from '../dialect/dialect.ts';
import { asSource } from '../ticket.ts';
import { type Address, type Client, connect, disconnect, errnoOf } from '../wire/connect.ts';
import { literal, qualified } from '../wire/sql.ts';

/** Sessions that see the source at one and the same moment, and the position of that moment in its log. */
export interface Snapshot {
  readers: Client[];
  gtid: string;
  accounts: Accounts;
  /** How long commits waited on the source, milliseconds. */
  stalledMs: number;
}

/** Waits for the lock at most so long at a time; commits wait behind it. Seconds. */
const lockSeconds = 2;
const attempts = 20;
/** A lock on tables is taken at once or not at all, so that nobody waits behind it: more often, and sooner again. */
const triesForTables = 300;
const tablesAgainMs = 100;

/**
 * Everything that has to happen while commits wait happens on the source's server itself, handed from session to session
 * by named locks: how far away we are does not lengthen it. The lock stops commits and structure changes only, not readers
 * or statements. Throws `long_transaction` when the server is never free for it.
 */
export async function takeSnapshot(source: Address, sessions: number, signal: AbortSignal): Promise<Snapshot> {
  await using opened = new AsyncDisposableStack();
  const open = async (settings: Record<string, string | number>) =>
    opened.adopt(await connect(source, { ...asSource, settings }), disconnect);
  const tries = source.share ? triesForTables : attempts;
  const lock = await open({ lock_wait_timeout: source.share ? 0 : lockSeconds });
  // Bytes as they are stored: whatever the character set, nothing is converted.
  const readers = await Promise.all(Array.from({ length: sessions }, () => open({ character_set_results: 'binary' })));
  // In others the server opens no snapshot, and says so in a warning only.
  for (const reader of readers) await reader.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const accounts = await readAccounts(lock);
    const before = await standing(lock);
    const inTheWay = await lock.dialect.inTheWay(lock);
    if (inTheWay && attempt === tries) throw longTransaction(inTheWay);
    const moment = inTheWay
      ? undefined
      : await oneMoment(lock, readers).catch(async (error) => {
          await release(lock, readers);
          if (errnoOf(error) !== 1205 || attempt === tries) throw busy(error);
        });
    const same = (await standing(lock)) === before;
    if (moment && same) {
      await disconnect(lock);
      opened.move();
      return { readers, accounts, ...moment };
    }
    await release(lock, readers);
    await sleep(source.share ? tablesAgainMs : 100 * attempt, undefined, { signal });
  }
}

async function oneMoment(lock: Client, readers: Client[]): Promise<{ gtid: string; stalledMs: number }> {
  const { snapshotPosition, position } = lock.dialect;
  const { haltStructure, haltCommits, resume } = lock.share ? await haltTables(lock) : lock.dialect;
  const turn = randomBytes(6).toString('hex');
  const go = literal(`storky go ${turn}`);
  const done = (n: number) => literal(`storky done ${turn} ${n}`);
  await lock.query(`DO GET_LOCK(${go}, 30)`);
  await Promise.all(readers.map((reader, n) => reader.query(`DO GET_LOCK(${done(n)}, 30)`)));
  const seen = readers.map((reader, n) =>
    reader.batch(
      `DO GET_LOCK(${go}, 30)`,
      'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
      `DO RELEASE_LOCK(${go}), RELEASE_LOCK(${done(n)})`,
      snapshotPosition,
    ),
  );
  for (const one of seen) one.catch(() => {});
  // By when it answers, the readers wait on the server.
  await lock.query('SELECT 1');
  const answers = await lock.batch(
    ...haltStructure,
    'SELECT SYSDATE(6) AS at',
    ...haltCommits,
    `DO RELEASE_LOCK(${go})`,
    `DO ${readers.map((_, n) => `GET_LOCK(${done(n)}, 30)`).join(', ')}`,
    `SELECT ${position} AS gtid`,
    ...resume,
    'SELECT SYSDATE(6) AS at',
    'DO RELEASE_ALL_LOCKS()',
  );
  const positions = (await Promise.all(seen)).map((results) => JSON.stringify(results[3]));
  // Others may write on meanwhile where only this database stands still: nothing of theirs is asked for.
  if (!lock.share) assertOnePosition(positions);
  const end = answers.length - 2;
  const at = (n: number) => Date.parse(`${answers[n]![0]!.at!.replace(' ', 'T')}Z`);
  const gtid = answers[end - 1 - resume.length]![0]!.gtid!;
  return { gtid, stalledMs: at(end) - at(haltStructure.length) };
}

/**
 * What must be the same before and after. A grant in between would come once more with the stream, or not at all; and a table
 * that was made in between was not locked.
 */
const standing = async (lock: Client): Promise<string> =>
  JSON.stringify(lock.share ? (await tablesOf(lock)).sort() : await readAccounts(lock));

const tablesOf = async (client: Client) =>
  (await carriedTables(client)).map(({ schema, name }) => qualified(schema, name));

/** On a server that others use too, only the app's tables stand still: all of them or none. */
async function haltTables(lock: Client): Promise<Pick<Dialect, 'haltStructure' | 'haltCommits' | 'resume'>> {
  const locks = (await tablesOf(lock)).map((table) => `${table} READ`);
  return {
    haltStructure: [],
    haltCommits: locks.length > 0 ? [`LOCK TABLES ${locks.join(', ')}`] : [],
    resume: ['UNLOCK TABLES'],
  };
}

/** The server says of every snapshot where in the log it is. */
function assertOnePosition(positions: string[]): void {
  if (new Set(positions).size !== 1)
    throw new StorkyError('internal', { detail: `the snapshots are not of one moment: ${positions.join(' ')}` });
}

async function release(lock: Client, readers: Client[]): Promise<void> {
  const resume = lock.share ? ['UNLOCK TABLES'] : lock.dialect.resume;
  await lock.batch(...resume, 'DO RELEASE_ALL_LOCKS()').catch(() => lock.query('DO RELEASE_ALL_LOCKS()'));
  await Promise.all(readers.map((reader) => reader.batch('ROLLBACK', 'DO RELEASE_ALL_LOCKS()')));
}

const busy = (error: unknown) =>
  errnoOf(error) === 1205 ? longTransaction('a backup or a structure change does not end') : error;

const longTransaction = (detail: string) =>
  new StorkyError('long_transaction', { store: 'The database', seconds: lockSeconds * attempts, detail });
