import type { Phase } from '../../src/protocol/migration.ts';

/** Where the app's newest migration rests; `home` where none is open. */
export type Position = 'home' | 'checked' | 'prepared' | 'followed' | 'switched' | 'back' | 'no way back';

const ways: Record<Position, Partial<Record<Phase, Position>>> = {
  home: { preflight: 'checked' },
  checked: { prepare: 'prepared' },
  prepared: { data: 'followed' },
  followed: { finalize: 'switched', abort: 'home' },
  switched: { rollback: 'back', complete: 'home' },
  back: { finalize: 'switched', complete: 'home' },
  'no way back': { complete: 'home' },
};

export const after = (position: Position, phase: Phase): Position => {
  const next = ways[position][phase];
  if (!next) throw new Error(`no ${phase} begins at ${position}`);
  return next;
};

/** The phases to run from there, up to and with one that is wanted; the shortest such way. */
export function wayTo(wanted: (phase: Phase) => boolean, from: Position): Phase[] {
  const seen = new Set([from]);
  let front: { at: Position; way: Phase[] }[] = [{ at: from, way: [] }];
  while (front.length > 0) {
    const next: typeof front = [];
    for (const { at, way } of front)
      for (const [phase, to] of Object.entries(ways[at]) as [Phase, Position][]) {
        if (wanted(phase)) return [...way, phase];
        if (!seen.has(to)) next.push({ at: to, way: [...way, phase] });
        seen.add(to);
      }
    front = next;
  }
  throw new Error('no phase that is wanted can be reached');
}
