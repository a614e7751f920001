import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../protocol/errors.ts';
import type { Report, SourceEndpoint, VerifyResult } from '../store.ts';
import { breathe } from './breath.ts';
import { extras } from './extras.ts';
import type { Follower } from './follower.ts';
import { difference, readHashed } from './hashed.ts';
import type { Home } from './home.ts';
import type { Hashed, Message } from './messages.ts';
import { assertInside, join, readable, type TreePath } from './names.ts';
import type { Piece } from './wire.ts';
import { Wire } from './wire.ts';

export const owners = process.getuid?.() === 0;
export const maxSuspects = 10_000;
const rounds = 30;

/** The stream that brings changes while everything is compared; none where the tree is not followed. */
export type Following = Pick<Follower, 'current' | 'compared'>;

/**
 * Reads and hashes everything on both sides. What differs may only have been on its way: it is looked at again, after the
 * source has seen every earlier change applied here, and counts only if the source's side stood still meanwhile.
 */
export async function verifyTree(
  home: Home,
  from: SourceEndpoint,
  follower: Following | undefined,
  report: Report,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const wire = new Wire(await from.openStream(signal));
  return await result(
    async () => {
      const messages = wire.read();
      await wire.send({ t: 'hello', want: 'verify', version: 1 });
      const { items, suspects } = await compareAll(home, messages, from, report, signal);
      return { items, differences: await settleSuspects(home, wire, messages, suspects, follower, signal) };
    },
    [wire],
    signal,
  );
}

/** Those that differ, in words; the next pass sends them. */
export async function settleSuspects(
  home: Home,
  wire: Wire,
  messages: Messages,
  suspects: TreePath[],
  follower: Following | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  await follower?.compared(signal);
  const found = await lookAgain(home, wire, messages, suspects, () => follower?.current !== false, signal);
  for (const { path } of found) home.ledger.doubt(path);
  home.ledger.commit();
  return found.slice(0, 100).map(({ path, why }) => `${readable(path)} ${why}`);
}

/** @throws StorkyError link_lost where a stream broke */
export async function result<T>(compared: () => Promise<T>, wires: Wire[], signal: AbortSignal): Promise<T> {
  try {
    return await compared();
  } catch (error) {
    if (signal.aborted || error instanceof StorkyError) throw error;
    throw new StorkyError(
      'link_lost',
      { region: 'the target', peer: 'the source', detail: (error as Error).message },
      { cause: error },
    );
  } finally {
    for (const wire of wires) wire.close();
  }
}

export type Messages = AsyncGenerator<Message | Piece>;

async function compareAll(
  home: Home,
  messages: Messages,
  { rest }: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
) {
  const suspects: TreePath[] = [''];
  let items = 0;
  let names = new Set<string>();
  for (let next = await messages.next(); !next.done; next = await messages.next()) {
    signal.throwIfAborted();
    const message = next.value;
    if (message.t === 'walked') return { items, suspects };
    if (message.t !== 'hashes') throw new Error(`${message.t} in a verification`);
    assertInside(message.dir);
    for (const there of message.entries) {
      await breathe();
      const path = join(message.dir, there[0]);
      assertInside(path);
      names.add(there[0]);
      items++;
      if (suspects.length < maxSuspects && difference(await readHashed(home.placer.tree, path), there, owners))
        suspects.push(path);
    }
    if (message.last) {
      suspects.push(...extras(home, message.dir, names).slice(0, maxSuspects - suspects.length));
      names = new Set();
    }
    report({ done: items, total: null, unit: 'files', note: 'compared' });
    await rest?.();
  }
  throw new Error('the stream broke off');
}

interface Found {
  path: TreePath;
  why: string;
}

async function lookAgain(
  home: Home,
  wire: Wire,
  messages: Messages,
  suspects: TreePath[],
  current: () => boolean,
  signal: AbortSignal,
): Promise<Found[]> {
  const found: Found[] = [];
  let left = suspects;
  for (let round = 0; round < rounds && left.length > 0; round++) {
    if (round > 0) await sleep(100, undefined, { signal });
    const again: TreePath[] = [];
    for (const path of left) {
      const verdict = await judge(home, wire, messages, path);
      if (verdict === 'unsettled' || (verdict && !current())) again.push(path);
      else if (verdict) found.push({ path, why: verdict });
    }
    left = again;
  }
  return found; // what never stood still is proven by the hashes it is sent with, up to the marker
}

/** Source, here, source again: only if the source did not change in between, a difference is one. */
async function judge(
  home: Home,
  wire: Wire,
  messages: Messages,
  path: TreePath,
): Promise<string | 'unsettled' | undefined> {
  const before = await ask(wire, messages, path);
  const here = await readHashed(home.placer.tree, path);
  const why = difference(here, before.entry, owners);
  if (!why) return undefined;
  const after = await ask(wire, messages, path);
  const stood = !before.busy && !after.busy && JSON.stringify(before.entry) === JSON.stringify(after.entry);
  return stood ? why : 'unsettled';
}

async function ask(wire: Wire, messages: Messages, path: TreePath): Promise<{ entry: Hashed | null; busy: boolean }> {
  await wire.send({ t: 'again', path });
  const next = await messages.next();
  if (next.done || next.value.t !== 'answer') throw new Error('the stream broke off');
  return next.value;
}
