import type { SourceEndpoint } from '../store.ts';
import { Batches } from './batches.ts';
import { breathe } from './breath.ts';
import { extras } from './extras.ts';
import type { Home } from './home.ts';
import { adoptAlike } from './known.ts';
import { assertInside, join } from './names.ts';
import { Receiver } from './receiver.ts';
import { settle } from './settle.ts';
import { Wire } from './wire.ts';

export interface CopyProgress {
  bytes: number;
  items: number;
  seen: number;
  walked: boolean;
}

const workers = 3;

/**
 * One pass over the source's tree: its listing comes on one stream, and what the ledger does not have yet is fetched over
 * some others, in batches, so that small files cost no round trip each. A second pass after a broken one asks only for the rest.
 * With `alike`, the source says first what is untouched since both sides were equal.
 */
export async function copyPass(
  home: Home,
  from: SourceEndpoint,
  progress: CopyProgress,
  signal: AbortSignal,
  alike = false,
): Promise<string[]> {
  const stop = new AbortController();
  const any = AbortSignal.any([signal, stop.signal]);
  const batches = new Batches();
  const unreadable: string[] = [];
  try {
    const work = Array.from({ length: workers }, () => fetchLoop(home, from, batches, progress, unreadable, any));
    await Promise.all([walkSource(home, from, batches, progress, any, alike), ...work]);
  } finally {
    batches.fail(new Error('the copy has stopped'));
    stop.abort();
    settle(home.placer, home.ledger);
    home.ledger.commit();
  }
  return unreadable;
}

async function walkSource(
  home: Home,
  from: SourceEndpoint,
  batches: Batches,
  progress: CopyProgress,
  signal: AbortSignal,
  alike: boolean,
): Promise<void> {
  const wire = new Wire(await from.openStream(signal));
  let names = new Set<string>();
  await batches.add({ path: '' }, 0);
  await wire.send({ t: 'hello', want: 'walk', version: 1, alike });
  for await (const message of wire.read()) {
    signal.throwIfAborted();
    if (message.t === 'walked') {
      progress.walked = true;
      return batches.end();
    }
    if (message.t === 'alike') {
      adoptAlike(home.placer, home.ledger, message.dir, message.files);
      continue;
    }
    if (message.t !== 'page') throw new Error(`${message.t} in a walk`);
    assertInside(message.dir);
    for (const [name, sig, size] of message.names) {
      await breathe();
      names.add(name);
      progress.seen++;
      const path = join(message.dir, name);
      assertInside(path);
      if (home.ledger.sigOf(path) !== sig) await batches.add(await home.have.wanted(path, sig, size), size);
    }
    if (!message.last) continue;
    for (const path of extras(home, message.dir, names)) await batches.add({ path }, 0);
    names = new Set();
  }
  throw new Error('the walk broke off');
}

async function fetchLoop(
  home: Home,
  from: SourceEndpoint,
  batches: Batches,
  progress: CopyProgress,
  unreadable: string[],
  signal: AbortSignal,
): Promise<void> {
  const wire = new Wire(await from.openStream(signal));
  const receiver = new Receiver(home.placer, home.ledger, home.unsynced);
  const asking = askFor(wire, batches);
  asking.catch(() => wire.close());
  try {
    for await (const message of wire.read()) {
      signal.throwIfAborted();
      const before = receiver.applied.bytes;
      if (receiver.take(message)) progress.bytes += receiver.applied.bytes - before;
      else if (message.t !== 'done') throw new Error(`${message.t} in a fetch`);
      else {
        progress.items += receiver.applied.items;
        receiver.applied.items = 0;
        unreadable.push(...receiver.unreadable.splice(0));
        home.ledger.commit();
        await batches.done(receiver.missing.splice(0).map((path) => ({ path, whole: true })));
      }
    }
    if (!batches.finished) throw new Error('the stream broke off');
    await asking;
  } finally {
    receiver.abandon();
    wire.close();
  }
}

async function askFor(wire: Wire, batches: Batches): Promise<void> {
  await wire.send({ t: 'hello', want: 'fetch', version: 1 });
  for (let wanted = await batches.take(); wanted; wanted = await batches.take())
    await wire.send({ t: 'fetch', wanted });
  wire.stream.end();
}
