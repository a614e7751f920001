import type { Client } from '../wire/connect.ts';
import { type Rows, rowsNow } from './rows.ts';
import type { ComparedTable } from './tables.ts';

const batch = 100;
const mostRounds = 40;

export interface Sides {
  source: Client;
  target: Client;
  /** Resolves when all that the source had committed before the call is applied on the target. */
  caughtUp(): Promise<void>;
}

/**
 * Of rows that looked different, those that are. Each is read on the source, then on the target when the stream has
 * passed that reading, then on the source again. Equal to either reading: it was only on its way. Not changed in between
 * and yet different, twice in a row: a real difference. Changed in between: it is looked at again.
 */
export async function realDifferences(
  sides: Sides,
  table: ComparedTable,
  suspects: string[],
): Promise<{ real: string[]; unsettled: string[] }> {
  const real: string[] = [];
  const unsettled: string[] = [];
  for (let at = 0; at < suspects.length; at += batch) {
    const found = await settle(sides, table, suspects.slice(at, at + batch));
    real.push(...found.real);
    unsettled.push(...found.unsettled);
  }
  return { real, unsettled };
}

async function settle(
  sides: Sides,
  table: ComparedTable,
  suspects: string[],
): Promise<{ real: string[]; unsettled: string[] }> {
  const real: string[] = [];
  const differed = new Set<string>();
  let open = suspects;
  for (let round = 0; open.length > 0 && round < mostRounds; round++) {
    const before = await rowsNow(sides.source, table, open, true);
    await sides.caughtUp();
    const copy = await rowsNow(sides.target, table, open, false);
    const after = await rowsNow(sides.source, table, open, true);
    open = open.filter((id) => {
      const seen = verdict(before.get(id), copy.get(id), after.get(id));
      if (seen === 'equal') return false;
      if (seen === 'moving') return differed.delete(id) || true;
      if (!differed.has(id)) return differed.add(id);
      real.push(id);
      return false;
    });
  }
  return { real, unsettled: open };
}

function verdict(
  before: string | undefined,
  copy: string | undefined,
  after: string | undefined,
): 'equal' | 'different' | 'moving' {
  if (copy === held(before) || copy === held(after)) return 'equal';
  return before === after ? 'different' : 'moving';
}

/** Without the version. */
const held = (row: string | undefined) => row?.split(' ')[0];

/** The identities whose rows are not the same on both sides. */
export function differing(source: Rows, target: Rows): string[] {
  const ids = new Set([...source.keys(), ...target.keys()]);
  return [...ids].filter((id) => source.get(id) !== target.get(id));
}
