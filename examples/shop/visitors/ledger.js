import { createHash } from 'node:crypto';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const orderHash = ({ customer, item, amount }) => sha256(JSON.stringify([customer, item, amount])).slice(0, 16);

/** Remembers each write from before it is sent, and apart from that whether it was acknowledged. */
export class LedgerBook {
  #pending = { orders: new Map(), uploads: new Map() };
  #acknowledged = { orders: new Map(), uploads: new Map() };
  #ids = [];

  constructor(prefix) {
    this.prefix = prefix;
  }

  sent(kind, id, hash) {
    this.#pending[kind].set(id, hash);
  }

  acknowledged(kind, id) {
    this.#acknowledged[kind].set(id, this.#pending[kind].get(id));
    this.#pending[kind].delete(id);
    this.#ids.push([kind, id]);
  }

  /** One of the acknowledged writes: [kind, id], or undefined while there is none. */
  pick(random) {
    return this.#ids[Math.floor(random() * this.#ids.length)];
  }

  hash(kind, id) {
    return this.#acknowledged[kind].get(id);
  }

  get counts() {
    return { acknowledged: this.#ids.length, pending: this.#pending.orders.size + this.#pending.uploads.size };
  }

  toJSON() {
    const plain = ({ orders, uploads }) => ({
      orders: Object.fromEntries(orders),
      uploads: Object.fromEntries(uploads),
    });
    return { prefix: this.prefix, acknowledged: plain(this.#acknowledged), unacknowledged: plain(this.#pending) };
  }
}
