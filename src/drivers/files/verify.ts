import { StorkyError } from '../../protocol/errors.ts';
import type { Report, SourceEndpoint, VerifyResult } from '../store.ts';
import { breathe } from './breath.ts';
import { extras } from './extras.ts';
import { difference, owners, readHashed } from './hashed.ts';
import type { Home } from './home.ts';
import { assertInside, join } from './names.ts';
import { type Following, type Messages, settleSuspects } from './settle-suspects.ts';
import { type Pass, Suspects, untilAllWereSeen } from './suspects.ts';
import { Wire } from './wire.ts';

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
  return await untilAllWereSeen(async () => {
    const wire = new Wire(await from.openStream(signal));
    return await passed(
      async () => {
        const messages = wire.read();
        await wire.send({ t: 'hello', want: 'verify', version: 1 });
        const { items, suspects } = await compareAll(home, messages, from, report, signal);
        const differences = await settleSuspects(home, wire, messages, suspects.paths, follower, signal);
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
  { rest }: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
) {
  const suspects = new Suspects(home.maxSuspects);
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
      if (difference(await readHashed(home.placer.tree, path), there, owners)) suspects.add([path]);
    }
    if (message.last) {
      suspects.add(extras(home, message.dir, names));
      names = new Set();
    }
    report({ done: items, total: null, unit: 'files', note: 'compared' });
    await rest?.();
  }
  throw new Error('the stream broke off');
}
