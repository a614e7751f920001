import { randomUUID } from 'node:crypto';
import { ask, askAll, type Client, type Command } from '../wire/connect.ts';
import { largeDigest } from './large.ts';

/** Names are bytes, not text: they are handled as hex, so that every byte counts. */
export type Key = string;

/** `reading`: where a server does not tell digests. Both sides are asked in the same way. */
export type Comparing = 'digests' | 'reading';

/** What a key holds, in one word: two servers that hold the same say the same. `-` where there is no such key. */
export type Digest = string;

/** Names of one page, and the cursor of the next; '0' is the end. A name may come twice; none that stays is left out. */
export async function page(client: Client, cursor: string): Promise<{ cursor: string; keys: Key[] }> {
  const [next, names] = (await client.callBuffer('SCAN', cursor, 'COUNT', 500)) as [Buffer, Buffer[]];
  return { cursor: next.toString(), keys: [...new Set(names.map((name) => name.toString('hex')))] };
}

export async function existing(client: Client, keys: readonly Key[]): Promise<Set<Key>> {
  const answers = await askAll(
    client,
    keys.map((key): Command => ['EXISTS', Buffer.from(key, 'hex')]),
  );
  return new Set(keys.filter((_, n) => answers[n] === 1));
}

interface Fact {
  key: Key;
  name: Buffer;
  type: string;
  /** Elements, or bytes of a string. */
  length: number;
}

/** What one command may go through while every client of the server waits: some milliseconds. */
const mostAtOnce = 20_000;
const weight = ({ type, length }: Fact) => (type === 'string' ? length / 100 : length);

/**
 * Value whatever its encoding, time of expiry to the millisecond, and for streams what is around the entries: last
 * identifier, groups, what is pending.
 */
export async function digests(client: Client, keys: readonly Key[], how: Comparing): Promise<Map<Key, Digest>> {
  const facts = await factsOf(client, keys);
  const values = new Map<Key, string>();
  for (const batch of batches(facts))
    for (const [n, value] of (await smallDigests(client, batch, how)).entries()) values.set(batch[n]!.key, value);
  for (const fact of facts.filter((fact) => weight(fact) > mostAtOnce))
    values.set(fact.key, await digestByReading(client, fact));
  const expiries = await askAll(
    client,
    facts.map(({ name }): Command => ['PEXPIRETIME', name]),
  );
  const streams = await surroundingsOf(
    client,
    facts.filter(({ type }) => type === 'stream'),
  );
  return new Map(
    facts.map(({ key, type }, n) => {
      const value = values.get(key)!;
      const there = type !== 'none' && !/^0+$/.test(value);
      return [key, there ? `${type} ${value} ${expiries[n]} ${streams.get(key) ?? ''}` : '-'];
    }),
  );
}

/** All at once; the answers come in one stream. */
async function smallDigests(client: Client, batch: readonly Fact[], how: Comparing): Promise<string[]> {
  if (how === 'reading') return await Promise.all(batch.map((fact) => digestByReading(client, fact)));
  return await ask<string[]>(client, 'DEBUG', 'DIGEST-VALUE', ...batch.map(({ name }) => name));
}

/** A key that changed its type in this moment has a digest that nobody else gets. */
async function digestByReading(client: Client, { name, type, length }: Fact): Promise<string> {
  if (type === 'none') return '0';
  return await largeDigest(client, name, type, length).catch((error: Error) => {
    if (error.message.startsWith('WRONGTYPE')) return randomUUID();
    throw error;
  });
}

const lengthVerbs: Record<string, string> = {
  ...{ string: 'STRLEN', list: 'LLEN', set: 'SCARD', zset: 'ZCARD', hash: 'HLEN', stream: 'XLEN' },
};

async function factsOf(client: Client, keys: readonly Key[]): Promise<Fact[]> {
  const names = keys.map((key) => Buffer.from(key, 'hex'));
  const types = (await askAll(
    client,
    names.map((name): Command => ['TYPE', name]),
  )) as string[];
  // A key that changed its type in this moment gives an error for a length; it is looked at again like any that changes.
  const pipeline = client.pipeline();
  for (const [n, type] of types.entries()) pipeline.call(lengthVerbs[type] ?? 'EXISTS', names[n]!);
  const lengths = (await pipeline.exec()) ?? [];
  return keys.map((key, n) => ({ key, name: names[n]!, type: types[n]!, length: Number(lengths[n]?.[1] ?? 0) }));
}

/** Of those that are small enough. */
function batches(facts: readonly Fact[]): Fact[][] {
  const found: Fact[][] = [];
  let room = 0;
  for (const fact of facts.filter((one) => weight(one) <= mostAtOnce)) {
    if (found.length === 0 || weight(fact) > room) {
      found.push([]);
      room = mostAtOnce;
    }
    found.at(-1)!.push(fact);
    room -= weight(fact);
  }
  return found;
}

async function surroundingsOf(client: Client, streams: readonly Fact[]): Promise<Map<Key, string>> {
  const pipeline = client.pipeline();
  for (const { name } of streams) pipeline.call('XINFO', 'STREAM', name).call('XINFO', 'GROUPS', name);
  const results = (await pipeline.exec()) ?? [];
  return new Map(
    streams.map(({ key }, n) => {
      const facts = results.slice(2 * n, 2 * n + 2).map(([error, answer]) => (error ? error.message : answer));
      return [key, JSON.stringify([withoutLayout(facts[0]), facts[1]])];
    }),
  );
}

/** How a server lays the entries out in memory is its own affair. */
function withoutLayout(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  const layout = ['radix-tree-keys', 'radix-tree-nodes'];
  return answer.filter((_, n) => !layout.includes(String(answer[n - (n % 2)])));
}

/** For people: as text where it is text. */
export function nameOf(key: Key): string {
  const text = Buffer.from(key, 'hex').toString('utf8');
  return Buffer.from(text).toString('hex') === key ? text : `0x${key}`;
}
