import { query } from './database.js';
import { HttpError, json, readJson } from './http.js';
import { keepReceipt } from './receipts.js';

/** Answers 201 only after the commit, and the receipt where there are any. Both rows in one statement, so in one transaction and one round trip. */
export async function placeOrder(request) {
  const { id, customer, item, amount } = await readJson(request);
  if (![id, customer, item].every((text) => typeof text === 'string' && text.length > 0 && text.length < 200))
    throw new HttpError(400, 'an order has an id, a customer and an item');
  if (!Number.isInteger(amount) || amount < 1) throw new HttpError(400, 'amount is a whole number, in cents');
  await query(
    `WITH placed AS (INSERT INTO orders (id, customer, item, amount) VALUES ($1, $2, $3, $4) RETURNING id)
     INSERT INTO order_events (order_id, kind) SELECT id, 'placed' FROM placed`,
    [id, customer, item, amount],
  );
  await keepReceipt(id);
  return json(201, { id });
}

const columns = `o.id, o.customer, o.item, o.amount, o.status,
  (SELECT count(*)::int FROM order_events e WHERE e.order_id = o.id) AS events,
  (SELECT count(*)::int FROM shipments s WHERE s.order_id = o.id) AS shipments`;

export async function showOrder(_request, id) {
  const [order] = await query(`SELECT ${columns} FROM orders o WHERE id = $1`, [id]);
  if (!order) throw new HttpError(404, 'there is no such order');
  return json(200, order);
}

/** In the order of their ids, 1000 a page; `?after=` is the last id of the page before. */
export async function listOrders(request) {
  const after = new URL(request.url, 'http://shop').searchParams.get('after') ?? '';
  return json(200, await query(`SELECT ${columns} FROM orders o WHERE id > $1 ORDER BY id LIMIT 1000`, [after]));
}

export async function countOrders() {
  const [counts] = await query(
    `SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 'shipped')::int AS shipped,
            coalesce(sum(amount), 0)::bigint::text AS cents FROM orders`,
  );
  return counts;
}
