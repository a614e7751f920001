// Ships what was ordered, each order once, and records when it ran, so that two workers in two places would show.
import { pool, query } from './lib/database.js';
import { waitForSchema } from './lib/schema.js';
import { region } from './lib/settings.js';

const pauseMs = 200;
await waitForSchema();
let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, () => {
    stopping = true;
  });

const [run] = await query('INSERT INTO worker_runs (region, pid) VALUES ($1, $2) RETURNING id', [region, process.pid]);
console.log(`worker ${process.pid} started`);
while (!stopping) {
  try {
    await shipSome();
    await query('UPDATE worker_runs SET seen_at = clock_timestamp() WHERE id = $1', [run.id]);
  } catch (error) {
    console.error('worker:', error.message); // nothing was shipped, or all of it: the next round finds out
  }
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
await query('UPDATE worker_runs SET seen_at = clock_timestamp(), stopped_at = clock_timestamp() WHERE id = $1', [
  run.id,
]);
await pool.end();

/** Taking, marking and shipping are one statement; SKIP LOCKED lets several workers share the queue. */
async function shipSome() {
  await query(
    `WITH next AS (SELECT id FROM orders WHERE status = 'placed' ORDER BY placed_at LIMIT 100 FOR UPDATE SKIP LOCKED),
          shipped AS (UPDATE orders o SET status = 'shipped' FROM next WHERE o.id = next.id RETURNING o.id)
     INSERT INTO shipments (order_id, region, pid) SELECT id, $1, $2 FROM shipped`,
    [region, process.pid],
  );
}
