import { log } from '../../../../base/log.ts';
import type { Report, SourceEndpoint, VerifyResult } from '../../../store.ts';
import { Place } from '../../place.ts';
import { probe } from '../target/probe.ts';
import { asSource, sourceAddress, type Ticket } from '../ticket.ts';
import { type Address, connect, disconnect, errnoOf } from '../wire/connect.ts';
import { type Range, ranges } from './ranges.ts';
import { differing, realDifferences, type Sides } from './recheck.ts';
import { checksum, rowsOf } from './rows.ts';
import { type ComparedTable, comparedTables, keyNames } from './tables.ts';

const mostListed = 100;

/** Compares every row of every table while both sides go on. Finds one wrong bit; raises no alarm for what is on its way. */
export async function verifyServer(
  admin: Address,
  ticket: Ticket,
  from: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
): Promise<VerifyResult> {
  await using opened = new AsyncDisposableStack();
  const open = async (address: Address) => opened.adopt(await connect(address, asSource), disconnect);
  const source = await open(sourceAddress(ticket, from));
  const prober = await open(sourceAddress(ticket, from));
  const [target, waiting] = [await open(admin), await open(admin)];
  const caughtUp = async () => void (await probe(prober, waiting, ticket.migration, signal));
  return await compareTables({ source, target, caughtUp }, from, report, signal);
}

async function compareTables(
  sides: Sides,
  { rest, bookmark }: SourceEndpoint,
  report: Report,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const tables = await comparedTables(sides.source);
  const total = tables.reduce((sum, table) => sum + table.rows, 0);
  const place = new Place<string>(bookmark);
  const result = { items: place.items, differences: [] as string[], unsettled: 0 };
  for (const table of tables) {
    if (place.isPast(table.label)) continue;
    for await (const range of ranges(sides.source, table, place.in(table.label))) {
      signal.throwIfAborted();
      const { rows, differences, unsettled = 0 } = await compareRange(sides, table, range);
      result.items += rows;
      result.unsettled += unsettled;
      result.differences.push(...differences.slice(0, mostListed - result.differences.length));
      report({ done: result.items, total: Math.max(total, result.items), unit: 'rows', note: table.label });
      place.reached(table.label, range.upTo, result);
      await rest?.();
    }
  }
  bookmark?.clear();
  return result;
}

async function compareRange(
  sides: Sides,
  table: ComparedTable,
  range: Range,
): Promise<{ rows: number; differences: string[]; unsettled?: number }> {
  try {
    const [ours, theirs] = await both(sides, (client) => checksum(client, table, range));
    const rows = Number(ours.rows);
    if (ours.rows === theirs.rows && ours.sum === theirs.sum) return { rows, differences: [] };
    const suspects = await suspectsIn(sides, table, range, rows);
    const { real, unsettled } = await realDifferences(sides, table, suspects);
    if (unsettled.length > 0)
      log.warn({ table: table.label, rows: unsettled.length }, 'rows changed too often to be compared one by one');
    return { rows, differences: real.map((id) => say(table, id)), unsettled: unsettled.length };
  } catch (error) {
    // The database, the table or a column is not there on the target.
    if (![1049, 1054, 1146].includes(errnoOf(error) ?? 0)) throw error;
    return { rows: 0, differences: [`${table.label}: ${(error as Error).message}`] };
  }
}

/** Without a key, the table is read in parts by hash, so that the memory needed does not depend on its size. */
async function suspectsIn(sides: Sides, table: ComparedTable, range: Range, rows: number): Promise<string[]> {
  const of = table.key.length > 0 ? 1 : Math.ceil((rows + 1) / 20_000);
  const suspects: string[] = [];
  for (let at = 0; at < of; at++) {
    const [ours, theirs] = await both(sides, (client) => rowsOf(client, table, range, { of, at }));
    suspects.push(...differing(ours, theirs));
  }
  return suspects;
}

const both = <T>({ source, target }: Sides, read: (client: Sides['source']) => Promise<T>): Promise<[T, T]> =>
  Promise.all([read(source), read(target)]);

const say = (table: ComparedTable, id: string) =>
  table.key.length > 0
    ? `${table.label}: the row ${keyNames(table.key, id)} differs`
    : `${table.label}: rows differ (hash ${id})`;
