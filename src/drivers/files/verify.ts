import { StorkyError } from '../../protocol/errors.ts';
import type { Report, SourceEndpoint, VerifyResult } from '../store.ts';
import { breathe } from './breath.ts';
import { Buckets, bucketCount } from './buckets.ts';
import { Compared } from './compared.ts';
import { extras } from './extras.ts';
import { difference, owners, readHashed } from './hashed.ts';
import type { Home } from './home.ts';
import { assertInside, join, type TreePath } from './names.ts';
import { type Following, type Messages, settleSuspects } from './settle-suspects.ts';
import { type Pass, Suspects, untilAllWereSeen } from './suspects.ts';
import { Wire } from './wire.ts';

/**
 * Reads and hashes everything on both sides. What differs may only have been on its way: it is looked at again, after the
 * source has seen every earlier change applied here, and counts only if the source's side stood still meanwhile. One that was cut
 * short goes on where it was, and looks again at what looked different before.
 */
export async function verifyTree(
  home: Home,
  from: SourceEndpoint,
  follower: Following | undefined,
  report: Report,
  signal: AbortSignal,
): Promise<VerifyResult> {
  return await untilAllWereSeen(async () => {
    const place = new Compared(from.bookmark);
    const wire = new Wire(await from.openStream(signal));
    return await passed(
      async () => {
        const messages = wire.read();
        await wire.send({ t: 'hello', want: 'verify', version: 1, ...(place.spot && { after: place.spot }) });
        const { items, suspects } = await compareAll(home, messages, place, from, report, signal);
        const differences = await settleSuspects(home, wire, messages, suspects.paths, follower, signal);
        from.bookmark?.clear();
        return { items, differences, leftOut: suspects.leftOut };
      },
      [wire],
      signal,
    );
  });
}

/** @throws StorkyError link_lost where a stream broke */
export async function passed(compared: () => Promise<Pass>, wires: Wire[], signal: AbortSignal): Promise<Pass> {
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

async function compareAll(
  home: Home,
  messages: Messages,
  place: Compared,
  { rest }: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
) {
  const suspects = new Suspects(home.maxSuspects, place.suspects);
  let items = place.items;
  let spot = place.spot;
  let here: Buckets | undefined;
  for (let next = await messages.next(); !next.done; next = await messages.next()) {
    signal.throwIfAborted();
    const message = next.value;
    if (message.t === 'walked') return { items, suspects };
    if (message.t !== 'hashes') throw new Error(`${message.t} in a verification`);
    const { dir, entries, upTo } = message;
    assertInside(dir);
    if (!here || spot?.dir !== dir) here = await namesHere(home, dir);
    const from = spot?.dir === dir ? spot.upTo : 0;
    spot = { dir, upTo: Math.min(upTo, bucketCount) };
    const names = new Set<string>();
    for (const there of entries) {
      await breathe();
      const path = join(dir, there[0]);
      assertInside(path);
      names.add(there[0]);
      items++;
      if (difference(await readHashed(home.placer.tree, path), there, owners)) suspects.add([path]);
    }
    suspects.add(extras(home, dir, names, here.between(from, spot.upTo)));
    place.reached(spot, items, suspects);
    report({ done: items, total: null, unit: 'files', note: 'compared' });
    await rest?.();
  }
  throw new Error('the stream broke off');
}

async function namesHere(home: Home, dir: TreePath): Promise<Buckets> {
  const names = new Buckets();
  for (const name of home.placer.names(dir)) {
    await breathe();
    names.add(name);
  }
  return names;
}
