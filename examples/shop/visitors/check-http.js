import { byId } from './check-direct.js';
import { sha256 } from './ledger.js';
import { connections, send } from './send.js';

const timeoutMs = 30_000;

/** The same, as somebody outside sees it: the list of orders, and every picture. */
export async function readOverHttp(ledger, { url, hostHeader }) {
  const agent = connections(8);
  const get = async (path) => send(agent, new URL(url), hostHeader, { method: 'GET', path }, timeoutMs);
  try {
    const orders = (await listOrders(get)).filter((order) => order.id.startsWith(`${ledger.prefix}-`));
    const ids = [...Object.keys(ledger.acknowledged.uploads), ...Object.keys(ledger.unacknowledged.uploads)];
    const uploads = (await Promise.all(ids.map((id) => readUpload(get, id)))).filter((upload) => upload !== undefined);
    return { orders: byId(orders), uploads: byId(uploads), overlappingWorkers: [], orphans: [] };
  } finally {
    agent.destroy();
  }
}

async function listOrders(get) {
  const orders = [];
  for (let after = ''; ; after = orders.at(-1).id) {
    const answer = await get(`/orders?after=${encodeURIComponent(after)}`);
    if (answer.status !== 200) throw new Error(`the list of orders could not be read: status ${answer.status}`);
    const page = JSON.parse(answer.body);
    orders.push(...page);
    if (page.length === 0) return orders;
  }
}

async function readUpload(get, id) {
  const answer = await get(`/uploads/${id}`);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) return { id, sha256: null, problem: `status ${answer.status}` };
  return { id, sha256: sha256(answer.body), problem: 'other bytes' };
}
