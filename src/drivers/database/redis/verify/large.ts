import { createHash, type Hash } from 'node:crypto';
import { passed } from '../../../../base/passing-buffers.ts';
import type { Client, Command } from '../wire/connect.ts';

/** Elements, or bytes of a string, that are read at once. */
const part = 2_000;
const stringPart = 256 * 1024;

/**
 * The digest of a key that is too large for one command, which would make every client of the server wait. It is read in
 * parts, and so not in one moment: a key that is changed meanwhile has one that nobody else gets, and is looked at again.
 */
export async function largeDigest(client: Client, name: Buffer, type: string, length: number): Promise<string> {
  if (type === 'hash' || type === 'set') return unordered(client, name, type === 'hash' ? 'HSCAN' : 'SSCAN');
  const hash = createHash('sha256');
  if (type === 'stream') await eachEntry(client, name, (entry) => feed(hash, entry));
  else for (const command of slices(name, type, length)) feed(hash, await client.callBuffer(...words(command)));
  return hash.digest('hex');
}

function* slices(name: Buffer, type: string, length: number): Generator<Command> {
  const size = type === 'string' ? stringPart : part;
  const verb = { string: 'GETRANGE', list: 'LRANGE', zset: 'ZRANGE' }[type];
  if (!verb) throw new Error(`a key of type ${type} cannot be compared`);
  for (let at = 0; at < length; at += size)
    yield [verb, name, at, at + size - 1, ...(type === 'zset' ? ['WITHSCORES'] : [])];
}

/** Members have no order of their own, and the two servers give them in different ones: their digests are added up. */
async function unordered(client: Client, name: Buffer, verb: 'HSCAN' | 'SSCAN'): Promise<string> {
  const sum = new Uint32Array(8);
  const width = verb === 'HSCAN' ? 2 : 1;
  for (let cursor = '0'; ; ) {
    const [next, values] = (await client.callBuffer(verb, name, cursor, 'COUNT', part)) as [Buffer, Buffer[]];
    for (let at = 0; at < values.length; at += width) {
      const hash = createHash('sha256');
      for (const value of values.slice(at, at + width)) feed(hash, value);
      const digest = hash.digest();
      for (let lane = 0; lane < sum.length; lane++) sum[lane]! += digest.readUInt32LE(4 * lane);
    }
    cursor = next.toString();
    if (cursor === '0') return Buffer.from(sum.buffer).toString('hex');
  }
}

async function eachEntry(client: Client, name: Buffer, seen: (entry: unknown) => void): Promise<void> {
  for (let after = '-'; ; ) {
    const entries = (await client.callBuffer('XRANGE', name, after, '+', 'COUNT', part)) as [Buffer, Buffer[]][];
    for (const entry of entries) seen(entry);
    if (entries.length < part) return;
    after = `(${entries.at(-1)![0].toString()}`;
  }
}

/** With lengths, so that no two answers give the same sequence of bytes. */
function feed(hash: Hash, answer: unknown): void {
  if (Buffer.isBuffer(answer)) {
    hash.update(`$${answer.length}:`).update(answer);
    passed(answer.length);
  } else if (!Array.isArray(answer)) hash.update(`:${String(answer)};`);
  else {
    hash.update(`*${answer.length}:`);
    for (const one of answer) feed(hash, one);
  }
}

const words = (command: Command) => command as [string, ...(string | number | Buffer)[]];
