import type { Ledger, LedgerVerdict } from '../../../examples/shop/visitors/index.js';
import type { ComposeHost } from './compose-hosts.ts';

/** Each order that was acknowledged has one receipt, and no order has two. */
export function withReceipts(
  verdict: LedgerVerdict,
  { acknowledged, unacknowledged }: Ledger,
  at: Pick<ComposeHost, 'redis'>,
): LedgerVerdict {
  const receipts = Map.groupBy(at.redis('LRANGE', 'receipts', '0', '-1').split('\n'), (id) => id);
  const count = (id: string) => receipts.get(id)?.length ?? 0;
  const orders = Object.keys(acknowledged.orders);
  const lost = orders.filter((id) => count(id) === 0).map((id) => `orders/${id}: without a receipt`);
  const duplicated = [...orders, ...Object.keys(unacknowledged.orders)]
    .filter((id) => count(id) > 1)
    .map((id) => `orders/${id}: ${count(id)} receipts`);
  return {
    ...verdict,
    ok: verdict.ok && lost.length + duplicated.length === 0,
    lost: [...verdict.lost, ...lost],
    duplicated: [...verdict.duplicated, ...duplicated],
  };
}
