import { orderHash, sha256 } from './ledger.js';
import { pictureOf } from './picture.js';

const items = [
  ['Stork kettle', 4900],
  ['Reed tea', 850],
  ['Nest bowl', 2400],
];

/** What the visitors do next. `expect(response)` says what is wrong with an answer, or undefined. */
export function nextRequest(book, random, { writes, pictures }) {
  if (random() < writes) return random() < pictures ? upload(book) : order(book, random);
  const own = random() < 0.85 ? book.pick(random) : undefined;
  return own
    ? readBack(book, ...own)
    : { method: 'GET', path: '/', expect: ({ body }) => (body.length > 500 ? undefined : 'not the page') };
}

let last = 0;
const newId = (book) => `${book.prefix}-${(++last).toString(36)}`;

function order(book, random) {
  const id = newId(book);
  const [item, price] = items[Math.floor(random() * items.length)];
  const content = {
    customer: `visitor ${Math.floor(random() * 1000)}`,
    item,
    amount: price * (1 + Math.floor(random() * 3)),
  };
  return {
    method: 'POST',
    path: '/orders',
    type: 'application/json',
    body: Buffer.from(JSON.stringify({ id, ...content })),
    write: { kind: 'orders', id, hash: orderHash(content) },
    expect: () => undefined,
  };
}

function upload(book) {
  const id = newId(book);
  const body = pictureOf(id);
  const hash = sha256(body);
  return {
    method: 'POST',
    path: `/uploads/${id}`,
    type: 'image/bmp',
    body,
    write: { kind: 'uploads', id, hash },
    expect: (answer) => (JSON.parse(answer.body).sha256 === hash ? undefined : 'stored as something else'),
  };
}

function readBack(book, kind, id) {
  const hash = book.hash(kind, id);
  const expect =
    kind === 'orders'
      ? ({ body }) => wrongOrder(JSON.parse(body), hash)
      : ({ body }) => (sha256(body) === hash ? undefined : 'other bytes');
  return { method: 'GET', path: `/${kind}/${id}`, own: `${kind}/${id}`, expect };
}

export function wrongOrder(order, hash) {
  if (orderHash(order) !== hash) return 'other content';
  if (order.events !== 1) return `${order.events} events instead of 1`;
  if (order.shipments > 1) return `shipped ${order.shipments} times`;
}
