import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { sha256 } from './ledger.js';

/** Everything of one run, from the tables and the folder themselves: Map of id → rows, so that a row that is there twice shows. */
export async function readDatabase(prefix, { databaseUrl, uploadsFolder }) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const rows = async (sql) => (await client.query(sql, [`${prefix}-%`])).rows;
    const orders = await rows('SELECT id, customer, item, amount FROM orders WHERE id LIKE $1');
    const counts = async (table) =>
      new Map(
        (await rows(`SELECT order_id, count(*)::int AS n FROM ${table} WHERE order_id LIKE $1 GROUP BY 1`)).map((r) => [
          r.order_id,
          r.n,
        ]),
      );
    const [events, shipments] = [await counts('order_events'), await counts('shipments')];
    const uploads = await rows('SELECT id, sha256 FROM uploads WHERE id LIKE $1');
    const withCounts = (order) => ({
      ...order,
      events: events.get(order.id) ?? 0,
      shipments: shipments.get(order.id) ?? 0,
    });
    const onDisk = await Promise.all(uploads.map((row) => readUpload(uploadsFolder, row)));
    const known = new Set(orders.map((order) => order.id));
    const orphans = [...new Set([...events.keys(), ...shipments.keys()])].filter((id) => !known.has(id));
    const overlappingWorkers = (await client.query(overlaps)).rows.map((row) => row.text);
    return { orders: byId(orders.map(withCounts)), uploads: byId(onDisk), overlappingWorkers, orphans };
  } finally {
    await client.end();
  }
}

async function readUpload(folder, row) {
  try {
    const onDisk = sha256(await readFile(join(folder, row.id)));
    return { id: row.id, sha256: onDisk, problem: 'other bytes' };
  } catch (error) {
    return { id: row.id, sha256: null, problem: `row without its file (${error.code})` };
  }
}

export function byId(rows) {
  const map = new Map();
  for (const row of rows) map.set(row.id, [...(map.get(row.id) ?? []), row]);
  return map;
}

const overlaps = `
  SELECT format('workers %s (%s) and %s (%s)', a.pid, a.region, b.pid, b.region) AS text
    FROM worker_runs a JOIN worker_runs b ON a.id < b.id AND a.region <> b.region
     AND a.started_at < coalesce(b.stopped_at, b.seen_at) AND b.started_at < coalesce(a.stopped_at, a.seen_at)`;
