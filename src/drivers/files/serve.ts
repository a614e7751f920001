import { setImmediate as tick } from 'node:timers/promises';
import { breathe } from './breath.ts';
import { bucketCount } from './buckets.ts';
import { readHashed } from './hashed.ts';
import { alikeIn } from './known.ts';
import type { Ledger } from './ledger.ts';
import type { Hashed, Message } from './messages.ts';
import { assertInside, join, type TreePath } from './names.ts';
import { assertSameRoot, type Place } from './place.ts';
import type { Pusher } from './pusher.ts';
import { sendPath } from './send-file.ts';
import { walk } from './walk.ts';
import { type Spot, walkInOrder } from './walk-in-order.ts';
import type { Piece, Wire } from './wire.ts';

type Messages = AsyncGenerator<Message | Piece>;

/** That this stream would be served, and for which ticket. */
export async function serveProof(place: Place, wire: Wire, id: string): Promise<void> {
  assertSameRoot(place);
  await wire.send({ t: 'known', id });
  wire.stream.end();
}

/** The whole tree's names, for the copy; before those of a page, what is known to be the same over there. */
export async function serveWalk(place: Place, wire: Wire, known: Ledger | undefined): Promise<void> {
  try {
    for await (const page of walk(place.tree, place.ignore)) {
      for (const files of known ? alikeIn(known, page.dir, page.names) : [])
        await wire.send({ t: 'alike', dir: page.dir, files });
      await wire.send({ t: 'page', ...page });
    }
  } finally {
    known?.close();
  }
  assertSameRoot(place);
  await wire.send({ t: 'walked' });
  wire.stream.end();
}

/** Answers each request for some paths with what they are now. */
export async function serveFetch(place: Place, wire: Wire, messages: Messages): Promise<void> {
  for await (const message of messages) {
    if (message.t !== 'fetch') throw new Error(`${message.t} on a fetch stream`);
    for (const wanted of message.wanted) {
      await breathe();
      assertWanted(place, wanted.path);
      await sendPath(wire, place.tree, wanted, place.sent);
    }
    assertSameRoot(place);
    await wire.send({ t: 'done' });
    await tick();
  }
  wire.stream.end();
}

/** Hashes of everything after the spot where it was cut short, then of what the target asks for again, after all that is under way has been applied. */
export async function serveVerify(
  place: Place,
  wire: Wire,
  messages: Messages,
  pusher: () => Pusher | undefined,
  after: Spot | undefined,
): Promise<void> {
  for await (const { dir, names, upTo } of walkInOrder(place.tree, place.ignore, after))
    await wire.send({ t: 'hashes', dir, entries: await hashed(place, dir, names), upTo });
  await wire.send({ t: 'walked' });
  await serveQuestions(place, wire, messages, pusher);
}

/** Hashes of what the target names, and single paths once more, after all that is under way has been applied. */
export async function serveQuestions(
  place: Place,
  wire: Wire,
  messages: Messages,
  pusher: () => Pusher | undefined,
): Promise<void> {
  for await (const message of messages) {
    if (message.t === 'hash') {
      for (const name of message.names) assertWanted(place, join(message.dir, name));
      const entries = await hashed(place, message.dir, message.names);
      await wire.send({ t: 'hashes', dir: message.dir, entries, upTo: bucketCount });
      continue;
    }
    if (message.t !== 'again') throw new Error(`${message.t} on a verify stream`);
    assertWanted(place, message.path);
    await pusher()?.settled();
    const entry = await readHashed(place.tree, message.path);
    const busy = (await pusher()?.busy(message.path)) ?? false;
    await wire.send({ t: 'answer', path: message.path, entry, busy });
  }
}

async function hashed(place: Place, dir: TreePath, names: readonly string[]): Promise<Hashed[]> {
  const entries: Hashed[] = [];
  for (const name of names) {
    await breathe();
    const entry = await readHashed(place.tree, join(dir, name));
    if (entry) entries.push(entry);
  }
  return entries;
}

function assertWanted(place: Place, path: TreePath): void {
  assertInside(path);
  if (place.ignore(path)) throw new Error('the peer asked for a path that is ignored');
}
