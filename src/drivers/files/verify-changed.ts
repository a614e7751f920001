import type { Report, SourceEndpoint, VerifyResult } from '../store.ts';
import { asLeft, lookAt } from './as-left.ts';
import { breathe } from './breath.ts';
import { extras } from './extras.ts';
import { difference, owners, readHashed } from './hashed.ts';
import type { Home } from './home.ts';
import type { Listed } from './messages.ts';
import { assertInside, join, type TreePath } from './names.ts';
import { type Following, type Messages, settleSuspects } from './settle-suspects.ts';
import { Suspects, untilAllWereSeen } from './suspects.ts';
import { passed } from './verify.ts';
import { Wire } from './wire.ts';

/**
 * The same answer as `verifyTree`, in a time that goes with what has changed: for the moment before a switch.
 *
 * What the ledger has was proven by its hash when it came. It is trusted, and not read again, where both sides are
 * untouched since: the source says the same signature of it as when it was sent, and here it is as the stream left it.
 * Both are of size, times of change and modification to the nanosecond, inode, birth, mode and owner; a state that was
 * younger than two seconds when it was read has none that matches (`signature`), so it is hashed. What this cannot see is
 * a disk that forgets or turns bits under an unchanged file: the whole proof is `verifyTree`, made when the copy was, and
 * by `migration-verify` whenever somebody asks.
 */
export async function verifyChanged(
  home: Home,
  from: SourceEndpoint,
  follower: Following | undefined,
  report: Report,
  signal: AbortSignal,
): Promise<VerifyResult> {
  return await untilAllWereSeen(async () => {
    const [listing, answers] = [new Wire(await from.openStream(signal)), new Wire(await from.openStream(signal))];
    return await passed(
      async () => {
        const messages = answers.read();
        await answers.send({ t: 'hello', want: 'ask', version: 1 });
        const asked = { wire: answers, messages };
        const { items, suspects } = await compareListing(home, listing, asked, from, report, signal);
        const differences = await settleSuspects(home, answers, messages, suspects.paths, follower, signal);
        return { items, differences, leftOut: suspects.leftOut };
      },
      [listing, answers],
      signal,
    );
  });
}

interface Answers {
  wire: Wire;
  messages: Messages;
}

async function compareListing(
  home: Home,
  listing: Wire,
  answers: Answers,
  { rest }: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
) {
  const suspects = new Suspects(home.maxSuspects);
  let items = 0;
  let names = new Set<string>();
  await listing.send({ t: 'hello', want: 'walk', version: 1 });
  for await (const message of listing.read()) {
    signal.throwIfAborted();
    if (message.t === 'walked') return { items, suspects };
    if (message.t !== 'page') throw new Error(`${message.t} in a comparison`);
    assertInside(message.dir);
    const changed: string[] = [];
    for (const one of message.names) {
      await breathe();
      assertInside(join(message.dir, one[0]));
      names.add(one[0]);
      if (!isUntouched(home, message.dir, one)) changed.push(one[0]);
    }
    items += message.names.length;
    suspects.add(await differing(home, answers, message.dir, changed));
    if (message.last) {
      suspects.add(extras(home, message.dir, names));
      names = new Set();
    }
    report({ done: items, total: null, unit: 'files', note: 'compared' });
    await rest?.();
  }
  throw new Error('the stream broke off');
}

function isUntouched({ ledger, placer }: Home, dir: TreePath, [name, sig]: Listed): boolean {
  const row = ledger.get(join(dir, name));
  if (row?.sig !== sig) return false;
  const here = lookAt(placer.tree, row.entry.path);
  return here !== undefined && asLeft(row, here);
}

/** Of these names, those that are not the same on both sides now. */
async function differing(home: Home, { wire, messages }: Answers, dir: TreePath, names: string[]): Promise<TreePath[]> {
  if (names.length === 0) return [];
  await wire.send({ t: 'hash', dir, names });
  const next = await messages.next();
  if (next.done || next.value.t !== 'hashes') throw new Error('the stream broke off');
  const answer = next.value;
  const there = new Map(answer.entries.map((entry) => [entry[0], entry] as const));
  const found: TreePath[] = [];
  for (const name of names) {
    const path = join(dir, name);
    if (difference(await readHashed(home.placer.tree, path), there.get(name) ?? null, owners)) found.push(path);
  }
  return found;
}
