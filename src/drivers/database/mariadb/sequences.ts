import type { TableRef } from './catalog.ts';
import type { Client, Row } from './wire/connect.ts';
import { qualified } from './wire/sql.ts';

/** Where a sequence goes on: as SETVAL takes it. `used`: the number itself was given, so that the one after it is next. */
export type SequenceState = [schema: string, name: string, next: string, used: '0' | '1', round: string];

/** `leave: 'a cache'` also leaves out what may still be drawn while nobody can write it down. */
export async function readSequences(
  client: Client,
  sequences: TableRef[],
  leave: 'nothing' | 'a cache',
): Promise<SequenceState[]> {
  if (sequences.length === 0) return [];
  const answers = await client.batch(
    ...sequences.map(({ schema, name }) => `SELECT * FROM ${qualified(schema, name)}`),
  );
  return sequences.map(({ schema, name }, n) => [schema, name, ...goesOnAt(answers[n]![0]!, leave === 'a cache')]);
}

export async function setSequence(client: Client, [schema, name, next, used, round]: SequenceState): Promise<void> {
  await client.query(`DO SETVAL(${qualified(schema, name)}, ${next}, ${used}, ${round})`);
}

/**
 * Never a number a second time. Where all that is left is in the server's cache, it has run out, as after a restart of the
 * server, which forgets its cache; one that cycles begins its next round. Near its end, half of what is left is left out.
 */
export function goesOnAt(row: Row, leap: boolean): [next: string, used: '0' | '1', round: string] {
  const of = (column: string) => BigInt(row[column] ?? '0');
  const [low, high, cycles, next] = ['minimum_value', 'maximum_value', 'cycle_count', 'next_not_cached_value'].map(of);
  // 0 follows the server's auto_increment_increment, which is 1 on servers that Storky runs.
  const step = of('increment') || 1n;
  const [first, last] = step > 0n ? [low!, high!] : [high!, low!];
  if (next! < low! || next! > high!)
    return row.cycle_option === '1' ? [String(first), '0', String(cycles! + 1n)] : [String(last), '1', String(cycles)];
  const cache = of('cache_size') > 100n ? of('cache_size') : 100n;
  const half = (last - next!) / step / 2n;
  const steps = leap ? (cache < half ? cache : half) : 0n;
  return [String(next! + step * steps), '0', String(cycles)];
}
