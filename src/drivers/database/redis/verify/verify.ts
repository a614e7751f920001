import { log } from '../../../../base/log.ts';
import { passed } from '../../../../base/passing-buffers.ts';
import type { Report, SourceEndpoint, VerifyResult } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { caughtUp } from '../target/lag.ts';
import { sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, ask, type Client, connect } from '../wire/connect.ts';
import { infoOf, keyspaceOf } from '../wire/info.ts';
import { type Comparing, digests, existing, type Key, nameOf, page } from './keys.ts';
import { Place } from './place.ts';
import { realDifferences } from './recheck.ts';

const mostListed = 100;
/** What the questions about one key leave to be collected, bytes, measured. */
const leftByKey = 4_096;

export interface Sides {
  source: Client;
  target: Client;
  how: Comparing;
  /** Resolves when all that the source had written before the call is applied on the target. */
  caughtUp(): Promise<void>;
}

/** Compares every key of every database while both sides go on. Finds one wrong byte; raises no alarm for what is on its way. */
export async function verifyServer(
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
): Promise<VerifyResult> {
  using opened = new DisposableStack();
  const open = async (address: Parameters<typeof connect>[0]) =>
    opened.adopt(await connect(address, 'storky verify'), (client) => client.disconnect());
  const source = await open(sourceAddress(ticket, from));
  const target = await open(adminOf(instance));
  const how = ticket.administrator === undefined && !ticket.guest ? 'digests' : 'reading';
  const sides: Sides = { source, target, how, caughtUp: () => caughtUp(source, target, signal) };
  for (let copy = await copyOf(sides); ; ) {
    const result = await compareServers(sides, new Place(from.bookmark, copy), from, report, signal);
    const compared = copy;
    copy = await copyOf(sides);
    if (copy === compared) {
      from.bookmark?.clear();
      return { ...result, differences: result.differences.slice(0, mostListed) };
    }
    log.warn({}, 'the server was copied anew while it was compared; everything is compared again');
  }
}

/**
 * Which copy it is that is compared. A stream that breaks for longer than the backlog lasts is mended by a whole new copy,
 * of which nothing was compared yet: neither process is another one then, but the source has counted it.
 */
async function copyOf({ source, target }: Sides): Promise<string> {
  const { run_id: from, sync_full: copies } = await infoOf(source, 'server', 'stats');
  const { run_id: to } = await infoOf(target, 'server');
  return `${from} ${copies} ${to}`;
}

/** The functions come first: with them the target has caught up, so a copy that was counted before has arrived. */
async function compareServers(
  sides: Sides,
  place: Place,
  from: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
): Promise<Required<VerifyResult>> {
  const result = { items: place.items, differences: await compareFunctions(sides), unsettled: 0 };
  for (const { db, keys } of await databases(sides)) {
    await Promise.all([ask(sides.source, 'SELECT', db), ask(sides.target, 'SELECT', db)]);
    await compareKeys(sides, place, db, result, async () => {
      signal.throwIfAborted();
      report({ done: result.items, total: Math.max(keys, result.items), unit: 'items', note: `database ${db}` });
      await from.rest?.();
    });
  }
  return result;
}

/** Functions are data: they come with the copy and the stream. */
async function compareFunctions({ source, target, caughtUp }: Sides): Promise<string[]> {
  const theirs = await functionsOf(source);
  await caughtUp();
  return theirs === (await functionsOf(target)) ? [] : ['the functions differ'];
}

async function functionsOf(client: Client): Promise<string> {
  const libraries = await ask<unknown[]>(client, 'FUNCTION', 'LIST', 'WITHCODE');
  return libraries
    .map((library) => JSON.stringify(library))
    .sort()
    .join('\n');
}

/** Those that hold a key on either side, with the larger count. */
async function databases({ source, target }: Sides): Promise<{ db: number; keys: number }[]> {
  const found = new Map<number, number>();
  for (const side of [source, target])
    for (const { db, keys } of keyspaceOf(await infoOf(side, 'keyspace')))
      found.set(db, Math.max(found.get(db) ?? 0, keys));
  return [...found].map(([db, keys]) => ({ db, keys })).sort((a, b) => a.db - b.db);
}

/** Every key of the source, then every key that only the target has. */
async function compareKeys(
  sides: Sides,
  place: Place,
  db: number,
  result: Required<VerifyResult>,
  compared: () => Promise<void>,
): Promise<void> {
  const wrong = new Set<Key>();
  const judge = async (suspects: readonly Key[]) => {
    const { real, unsettled } = await realDifferences(sides, suspects);
    if (unsettled.length > 0) log.warn({ keys: unsettled.length }, 'keys changed too often to be compared one by one');
    for (const key of real) wrong.add(key);
    result.differences.push(...real.map((key) => `database ${db}: the key ${nameOf(key)} differs`));
    result.unsettled += unsettled.length;
  };
  for await (const { keys, cursor } of pages(sides.source, place.of(db, 'source'))) {
    const [theirs, ours] = await Promise.all([
      digests(sides.source, keys, sides.how),
      digests(sides.target, keys, sides.how),
    ]);
    await judge(keys.filter((key) => theirs.get(key) !== ours.get(key)));
    result.items += keys.length;
    passed(2 * keys.length * leftByKey);
    place.reached(db, 'source', cursor, result);
    await compared();
  }
  for await (const { keys, cursor } of pages(sides.target, place.of(db, 'target'))) {
    const there = await existing(sides.source, keys);
    await judge(keys.filter((key) => !there.has(key) && !wrong.has(key)));
    place.reached(db, 'target', cursor, result);
    await compared();
  }
}

/** From a cursor on; each page with the cursor of the next. */
async function* pages(client: Client, begin: string | undefined): AsyncGenerator<{ keys: Key[]; cursor: string }> {
  for (let cursor = begin; cursor !== undefined; ) {
    const next = await page(client, cursor);
    yield next;
    if (next.cursor === '0') return;
    cursor = next.cursor;
  }
}
