import { readDatabase } from './check-direct.js';
import { readOverHttp } from './check-http.js';
import { wrongOrder } from './mix.js';

/**
 * Compares what was acknowledged with what is there: each once, with the content that was sent. What was sent but never
 * acknowledged may be there or not, but not twice and not changed.
 */
export async function checkLedger(ledger, place) {
  const found = await ('databaseUrl' in place ? readDatabase(ledger.prefix, place) : readOverHttp(ledger, place));
  const verdict = {
    lost: [],
    duplicated: [],
    unexpected: [],
    unacknowledgedPresent: 0,
    overlappingWorkers: found.overlappingWorkers,
  };
  for (const kind of ['orders', 'uploads']) {
    const { acknowledged, unacknowledged } = {
      acknowledged: ledger.acknowledged[kind],
      unacknowledged: ledger.unacknowledged[kind],
    };
    for (const [id, hash] of Object.entries(acknowledged)) judge(verdict, kind, id, hash, found[kind].get(id) ?? []);
    for (const [id, hash] of Object.entries(unacknowledged)) {
      const rows = found[kind].get(id) ?? [];
      if (rows.length > 0) verdict.unacknowledgedPresent++;
      if (rows.length > 0) judge(verdict, kind, id, hash, rows);
    }
    for (const id of found[kind].keys())
      if (!(id in acknowledged) && !(id in unacknowledged)) verdict.unexpected.push(`${kind}/${id}`);
  }
  for (const id of found.orphans) verdict.lost.push(`orders/${id}: its event or shipment is there, the order is not`);
  const acknowledged = Object.keys(ledger.acknowledged.orders).length + Object.keys(ledger.acknowledged.uploads).length;
  const ok = [verdict.lost, verdict.duplicated, verdict.unexpected, verdict.overlappingWorkers].every(
    (list) => list.length === 0,
  );
  return { ok, acknowledged, ...verdict, ordersChecked: found.orders.size, uploadsChecked: found.uploads.size };
}

function judge(verdict, kind, id, hash, rows) {
  const name = `${kind}/${id}`;
  if (rows.length === 0) return verdict.lost.push(`${name}: missing`);
  if (rows.length > 1) verdict.duplicated.push(`${name}: ${rows.length} rows`);
  const wrong = kind === 'orders' ? wrongOrder(rows[0], hash) : rows[0].sha256 !== hash && rows[0].problem;
  if (!wrong) return;
  const more = kind === 'orders' && (rows[0].events > 1 || rows[0].shipments > 1);
  verdict[more ? 'duplicated' : 'lost'].push(`${name}: ${wrong}`);
}
