import { createServer } from 'node:http';
import { backgroundOrders, openStores, tally, timesIn } from './stores.js';

const { PORT, REGION_NAME } = process.env;
/** Between two chains of the background, milliseconds. */
const beatMs = 100;

const stores = await openStores(process.env);

createServer(async (request, response) => {
  try {
    const [, verb, id] = request.url.split('/');
    const [status, body] = await answer(request.method, verb, id);
    response.writeHead(status, { 'x-served-by': REGION_NAME }).end(JSON.stringify(body));
  } catch (error) {
    console.error(`${request.method} ${request.url}: ${error.message}`);
    response.writeHead(500).end(error.message);
  }
}).listen(PORT, '127.0.0.1', () => console.log(`listening on ${PORT}`));

/** An id is acknowledged when it is in all stores. */
async function answer(method, verb, id) {
  if (verb !== 'tally') return [200, await stores.ping()];
  if (method === 'GET') return [200, await timesIn(stores, id)];
  await tally(stores, id);
  return [201, {}];
}

/**
 * Chains that no request waits for, so that no drain does: every cut falls into some of them. The first write that is
 * refused ends its chain, and on a copy that is the first of all.
 */
let chain = 0;
const started = Date.now().toString(36);
setInterval(() => {
  const order = backgroundOrders[chain % backgroundOrders.length];
  tally(stores, `b${REGION_NAME}${process.pid}.${started}-${chain++}-${order}`).catch(() => {});
}, beatMs);
