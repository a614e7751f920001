import type { Subject } from '../../conformance/subject.ts';
import { engine } from '../engine.ts';
import { adminOf, ask, connect, withClient } from '../wire/connect.ts';

/** What the conformance suite has to know of Redis: an item is a key. */
export const subject: Subject = {
  engine,
  names: { plan: 'sandbox', database: 'shop_cache', user: 'shop_cache', password: "s3cret ' pass" },
  prepare: async () => {},
  async connect({ host, port, user, password }) {
    const client = await connect({ host, port, user, password }, 'test');
    return {
      write: async (id, value) => void (await client.set(`item:${id}`, value)),
      read: async (id) => (await client.get(`item:${id}`)) ?? undefined,
      ids: async () => (await client.keys('item:*')).map((key) => Number(key.slice(5))).sort((a, b) => a - b),
      close: async () => client.disconnect(),
    };
  },
  async corrupt(instance, id, value) {
    await withClient(adminOf(instance), 'test', async (client) => {
      await ask(client, 'CONFIG', 'SET', 'replica-read-only', 'no');
      await ask(client, 'SET', `item:${id}`, value);
      await ask(client, 'CONFIG', 'SET', 'replica-read-only', 'yes');
    });
  },
};
