// The scheduled job: the totals of each of the last two days, written anew every time.
import { pool, query } from './lib/database.js';
import { waitForSchema } from './lib/schema.js';
import { region } from './lib/settings.js';

await waitForSchema();
await query(
  `WITH run AS (INSERT INTO totals_runs (region) VALUES ($1))
   INSERT INTO daily_totals (day, orders, amount, computed_at)
   SELECT (placed_at AT TIME ZONE 'UTC')::date, count(*), sum(amount), clock_timestamp()
     FROM orders WHERE placed_at > now() - interval '2 days' GROUP BY 1
   ON CONFLICT (day) DO UPDATE SET orders = excluded.orders, amount = excluded.amount, computed_at = excluded.computed_at`,
  [region],
);
await pool.end();
