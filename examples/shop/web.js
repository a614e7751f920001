import { createServer } from 'node:http';
import { pool, query } from './lib/database.js';
import { handler, json } from './lib/http.js';
import { pushLive } from './lib/live.js';
import { listOrders, placeOrder, showOrder } from './lib/orders.js';
import { showAsset, showPage } from './lib/page.js';
import { ensureSchema } from './lib/schema.js';
import { host, port, region } from './lib/settings.js';
import { showUpload, storeUpload } from './lib/uploads.js';

const routes = [
  ['GET', /^\/$/, showPage],
  ['GET', /^\/(style\.css|shop\.js)$/, showAsset],
  ['GET', /^\/health$/, async () => json(200, await query('SELECT true AS healthy').then(([row]) => row))],
  ['GET', /^\/orders$/, listOrders],
  ['POST', /^\/orders$/, placeOrder],
  ['GET', /^\/orders\/([\w-]{1,64})$/, showOrder],
  ['POST', /^\/uploads\/([\w-]{1,64})$/, storeUpload],
  ['GET', /^\/uploads\/([\w-]{1,64})$/, showUpload],
];

await ensureSchema();
const server = createServer(handler(routes, { 'x-served-by': encodeURI(region) }));
server.keepAliveTimeout = 75_000; // longer than any proxy in front keeps an idle connection: no request meets a closing one
server.headersTimeout = 80_000;
const live = pushLive(server);
server.listen(port, host, () => console.log(`listening on ${server.address().port}`));

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, () => {
    server.close(() => pool.end().then(() => process.exit(0))); // answers what has been asked, and hangs up after each answer
    live.close();
    setTimeout(() => server.closeAllConnections(), 8000).unref();
  });
