import { createHash } from 'node:crypto';
import { seededRandom } from '../support/seeded-random.ts';

/** Of each cell its own, so that one that is run alone has the same fault at the same moment. */
export const randomOf = (seed: number, what: string): (() => number) =>
  seededRandom(createHash('sha256').update(`${seed} ${what}`).digest().readUInt32LE());

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const left = [...list];
  return list.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!);
}
