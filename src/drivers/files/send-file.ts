import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { BlockHashes, blockCount, blockLength, blockSize, isZero } from './blocks.ts';
import { type Entry, readEntry, signature, soft, toEntry } from './entry.ts';
import type { Wanted } from './messages.ts';
import { base, parent, readable } from './names.ts';
import { handlePath, type Rooted, vanished } from './rooted.ts';
import type { Sent } from './sent.ts';
import type { Wire } from './wire.ts';

const readAsync = promisify(fs.read);
const openFlags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

export interface Outcome {
  /** Hash of the content, 'gone', or the entry's kind; part of the marker's digest. */
  proof: string;
  bytes: number;
  /** Changed while it was read: to be sent again. */
  torn: boolean;
}

/** Sends one path as it is now: gone, an entry, or a file with the blocks that the target lacks. */
export async function sendPath(wire: Wire, tree: Rooted, wanted: Wanted, sent: Sent): Promise<Outcome> {
  const { path } = wanted;
  try {
    const dir = path === '' ? undefined : tree.open(parent(path));
    try {
      const at = dir === undefined ? Buffer.from(`${tree.root}/.`) : handlePath(dir, base(path));
      const entry = readEntry(path, at);
      if (entry.kind === 'file') return await sendFile(wire, fs.openSync(at, openFlags), wanted, sent);
      await wire.send({ t: 'put', entry, base: null });
      return { proof: entry.kind, bytes: 0, torn: false };
    } finally {
      if (dir !== undefined) fs.closeSync(dir);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (vanished(error) && path !== '') {
      sent.dropAll(path);
      await wire.send({ t: 'gone', path });
      return { proof: 'gone', bytes: 0, torn: false };
    }
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EIO') throw error;
    await wire.send({ t: 'unreadable', path, detail: `${readable(path)}: ${(error as Error).message}` });
    return { proof: 'unreadable', bytes: 0, torn: true };
  }
}

async function sendFile(wire: Wire, fd: number, wanted: Wanted, sent: Sent): Promise<Outcome> {
  try {
    const { path } = wanted;
    const before = fs.fstatSync(fd, { bigint: true });
    const entry = toEntry(path, before);
    if (entry.kind !== 'file') throw Object.assign(new Error('no longer a file'), { code: 'ESTALE' });
    const linked = wanted.whole ? undefined : sent.sameFile(entry);
    if (linked) {
      await wire.send({ t: 'same', entry, hash: linked });
      return { proof: linked, bytes: 0, torn: false };
    }
    const from = wanted.left?.sig === entry.sig ? wanted.left.blocks : 0;
    const known = from > 0 ? undefined : await knownToTarget(fd, entry, wanted, sent);
    const result = await sendContent(wire, fd, entry, known, from);
    const after = fs.fstatSync(fd, { bigint: true });
    const torn = before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs;
    const hash = result.hashes.root();
    const sig = torn ? soft() : signature(after);
    if (result.same) await wire.send({ t: 'same', entry: { ...entry, sig }, hash });
    else await wire.send({ t: 'end', hash, sig });
    sent.put({ ...entry, sig }, result.hashes);
    return { proof: hash, bytes: result.bytes, torn };
  } finally {
    fs.closeSync(fd);
  }
}

interface Known {
  hash: string;
  table: Buffer;
}

/** The blocks that the target has of this file; undefined means none that we know. */
async function knownToTarget(fd: number, entry: Entry, wanted: Wanted, sent: Sent): Promise<Known | undefined> {
  if (wanted.whole) return undefined;
  const known = sent.get(entry.path);
  if (wanted.have === undefined || wanted.have === known?.hash) return known;
  const table = Buffer.from(wanted.table ?? '', 'base64');
  if (wanted.table && new BlockHashes(table).root() === wanted.have) return { hash: wanted.have, table };
  const hashes = await hashContent(fd, entry.size);
  return hashes.root() === wanted.have ? { hash: wanted.have, table: hashes.table() } : undefined;
}

/** Says nothing before the first block that differs, since most often only the times changed. */
async function sendContent(
  wire: Wire,
  fd: number,
  entry: Entry,
  known: Known | undefined,
  from: number,
): Promise<{ hashes: BlockHashes; bytes: number; same: boolean }> {
  const old = known && new BlockHashes(known.table);
  const hashes = new BlockHashes();
  const run = new ZeroRun(wire);
  const spare: Spare = { buffer: undefined };
  let started = false;
  let bytes = 0;
  const start = async () => {
    if (!started) await wire.send({ t: 'put', entry, base: known?.hash ?? null, from });
    started = true;
  };
  if (!known) await start();
  for await (const { index, block } of blocksOf(fd, entry.size, spare)) {
    const sum = hashes.set(index, block);
    if (index < from || old?.get(index)?.equals(sum)) continue;
    await start();
    if (block.length === blockSize && isZero(block)) await run.add(index);
    else {
      await run.flush();
      if (!(await wire.sendBlock(index, block))) spare.buffer = undefined;
      bytes += block.length;
    }
  }
  await run.flush();
  if (hashes.root() !== known?.hash) await start();
  return { hashes, bytes, same: !started };
}

export async function hashContent(fd: number, size: number): Promise<BlockHashes> {
  const hashes = new BlockHashes();
  for await (const { index, block } of blocksOf(fd, size)) hashes.set(index, block);
  return hashes;
}

/** One buffer serves all blocks of a file, until somebody has to keep it. */
interface Spare {
  buffer: Buffer | undefined;
}

/** Up to `size`, or less where the file has become shorter. The block is valid until the next one. */
async function* blocksOf(
  fd: number,
  size: number,
  spare: Spare = { buffer: undefined },
): AsyncGenerator<{ index: number; block: Buffer }> {
  const small = size <= blockSize;
  for (let index = 0; index < blockCount(size); index++) {
    const want = blockLength(size, index);
    spare.buffer ??= Buffer.allocUnsafe(small ? want : blockSize);
    const { buffer } = spare;
    let got = 0;
    while (got < want) {
      const at = index * blockSize + got;
      const n = small
        ? fs.readSync(fd, buffer, got, want - got, at)
        : (await readAsync(fd, buffer, got, want - got, at)).bytesRead;
      if (n === 0) break;
      got += n;
    }
    if (got > 0) yield { index, block: buffer.subarray(0, got) };
    if (got < want) return;
  }
}

class ZeroRun {
  readonly #wire: Wire;
  #start = 0;
  #count = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async add(index: number): Promise<void> {
    if (this.#count > 0 && index !== this.#start + this.#count) await this.flush();
    if (this.#count === 0) this.#start = index;
    this.#count++;
  }

  async flush(): Promise<void> {
    if (this.#count > 0) await this.#wire.sendZeros(this.#start, this.#count);
    this.#count = 0;
  }
}
