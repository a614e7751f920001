import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../protocol/errors.ts';
import type { Follower } from './follower.ts';
import { difference, owners, readHashed } from './hashed.ts';
import type { Home } from './home.ts';
import type { Hashed, Message } from './messages.ts';
import { readable, type TreePath } from './names.ts';
import type { Piece, Wire } from './wire.ts';

const rounds = 30;
const roundMs = 100;
/** Streams that may break under one look. */
const mostCuts = 5;

/** The stream that brings changes while everything is compared; none where the tree is not followed. */
export type Following = Pick<Follower, 'current' | 'compared'>;

export type Messages = AsyncGenerator<Message | Piece>;

interface Found {
  path: TreePath;
  why: string;
}

/** Those that differ, in words, the first 100; the next pass sends them. @throws StorkyError not_in_sync */
export async function settleSuspects(
  home: Home,
  wire: Wire,
  messages: Messages,
  suspects: readonly TreePath[],
  follower: Following | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const found: Found[] = [];
  let left = suspects;
  for (let cuts = 0; left.length > 0; cuts++) {
    if (cuts > mostCuts) {
      const detail = `the stream was cut again and again while ${left.length} entries differed`;
      throw new StorkyError('not_in_sync', { store: 'the file tree', detail });
    }
    await follower?.compared(signal);
    const seen = await lookAgain(home, wire, messages, left, () => follower?.current !== false, signal);
    found.push(...seen.found);
    left = seen.cutOff;
  }
  for (const { path } of found) home.ledger.doubt(path);
  home.ledger.commit();
  return found.slice(0, 100).map(({ path, why }) => `${readable(path)} ${why}`);
}

/**
 * `cutOff`: they differ, but while the stream is cut that may be what it has not brought. That is no verdict, and no proof
 * either: they are looked at again when it runs.
 */
async function lookAgain(
  home: Home,
  wire: Wire,
  messages: Messages,
  suspects: readonly TreePath[],
  current: () => boolean,
  signal: AbortSignal,
): Promise<{ found: Found[]; cutOff: TreePath[] }> {
  const found: Found[] = [];
  const cutOff: TreePath[] = [];
  let left = suspects;
  for (let round = 0; round < rounds && left.length > 0; round++) {
    if (round > 0) await sleep(roundMs, undefined, { signal });
    const again: TreePath[] = [];
    for (const path of left) {
      const verdict = await judge(home, wire, messages, path);
      if (verdict === 'unsettled') again.push(path);
      else if (verdict && !current()) cutOff.push(path);
      else if (verdict) found.push({ path, why: verdict });
    }
    left = again;
  }
  return { found, cutOff }; // what never stood still is proven by the hashes it is sent with, up to the marker
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
