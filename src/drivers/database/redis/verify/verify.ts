import { log } from '../../../../base/log.ts';
import type { Report, SourceEndpoint, VerifyResult } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { caughtUp } from '../target/lag.ts';
import { sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, ask, type Client, connect } from '../wire/connect.ts';
import { infoOf, keyspaceOf } from '../wire/info.ts';
import { digests, existing, type Key, nameOf, page } from './keys.ts';
import { realDifferences } from './recheck.ts';

const mostListed = 100;

export interface Sides {
  source: Client;
  target: Client;
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
  const sides: Sides = { source, target, caughtUp: () => caughtUp(source, target, signal) };
  const result: VerifyResult = { items: 0, differences: await compareFunctions(sides) };
  for (const { db, keys } of await databases(sides)) {
    await Promise.all([ask(source, 'SELECT', db), ask(target, 'SELECT', db)]);
    const found = await compareKeys(sides, async (items) => {
      signal.throwIfAborted();
      result.items += items;
      report({ done: result.items, total: Math.max(keys, result.items), unit: 'items', note: `database ${db}` });
      await from.rest?.();
    });
    result.differences.push(...found.map((key) => `database ${db}: the key ${nameOf(key)} differs`));
  }
  return { ...result, differences: result.differences.slice(0, mostListed) };
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
  return [...found].map(([db, keys]) => ({ db, keys }));
}

/** Every key of the source, then every key that only the target has. */
async function compareKeys(sides: Sides, compared: (items: number) => Promise<void>): Promise<Key[]> {
  const real: Key[] = [];
  for await (const keys of pages(sides.source)) {
    const [theirs, ours] = await Promise.all([digests(sides.source, keys), digests(sides.target, keys)]);
    real.push(
      ...(await settled(
        sides,
        keys.filter((key) => theirs.get(key) !== ours.get(key)),
      )),
    );
    await compared(keys.length);
  }
  for await (const keys of pages(sides.target)) {
    const there = await existing(sides.source, keys);
    const extra = keys.filter((key) => !there.has(key) && !real.includes(key));
    real.push(...(await settled(sides, extra)));
    await compared(0);
  }
  return real;
}

async function settled(sides: Sides, suspects: readonly Key[]): Promise<Key[]> {
  const { real, unsettled } = await realDifferences(sides, suspects);
  if (unsettled.length > 0) log.warn({ keys: unsettled.length }, 'keys changed too often to be compared one by one');
  return real;
}

async function* pages(client: Client): AsyncGenerator<Key[]> {
  for (let cursor = '0'; ; ) {
    const next = await page(client, cursor);
    if (next.keys.length > 0) yield next.keys;
    if (next.cursor === '0') return;
    cursor = next.cursor;
  }
}
