import { type Digest, digests, type Key } from './keys.ts';
import type { Sides } from './verify.ts';

const mostRounds = 40;

/**
 * Of keys that looked different, those that are. Each is read on the source, then on the target when the stream has
 * passed that reading, then on the source again. Equal to either reading: it was only on its way. Not changed in between
 * and yet different, twice in a row: a real difference. Changed in between: it is looked at again.
 */
export async function realDifferences(
  sides: Sides,
  suspects: readonly Key[],
): Promise<{ real: Key[]; unsettled: Key[] }> {
  const real: Key[] = [];
  const differed = new Set<Key>();
  let open = suspects;
  for (let round = 0; open.length > 0 && round < mostRounds; round++) {
    const before = await digests(sides.source, open, sides.how);
    await sides.caughtUp();
    const copy = await digests(sides.target, open, sides.how);
    const after = await digests(sides.source, open, sides.how);
    open = open.filter((key) => {
      const seen = verdict(before.get(key), copy.get(key), after.get(key));
      if (seen === 'equal') return false;
      if (seen === 'moving') return differed.delete(key) || true;
      if (!differed.has(key)) return differed.add(key);
      real.push(key);
      return false;
    });
  }
  return { real, unsettled: [...open] };
}

function verdict(before?: Digest, copy?: Digest, after?: Digest): 'equal' | 'different' | 'moving' {
  if (copy === before || copy === after) return 'equal';
  return before === after ? 'different' : 'moving';
}
