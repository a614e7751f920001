import type { Subject } from '../../conformance/subject.ts';
import { engine } from '../engine.ts';
import { adminOf, connect, disconnect, withClient } from '../wire/connect.ts';

export const subject: Subject = {
  engine,
  names: { plan: 'sandbox', database: 'shop-db', user: 'Shop "User"', password: "s3cret ' pass" },
  async prepare({ host, port, user, password, database }) {
    await withClient({ host, port, user, password, database }, async (client) => {
      await client.query('CREATE TABLE item (id int PRIMARY KEY, value text)');
    });
  },
  async connect({ host, port, user, password, database }) {
    const client = await connect({ host, port, user, password, database }, { name: 'test' });
    const upsert = 'INSERT INTO item VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value';
    return {
      write: async (id, value) => void (await client.query(upsert, [id, value])),
      read: async (id) => (await client.query('SELECT value FROM item WHERE id = $1', [id])).rows[0]?.value,
      ids: async () => (await client.query('SELECT id FROM item ORDER BY id')).rows.map(({ id }) => id),
      close: () => disconnect(client),
    };
  },
  async corrupt(instance, id, value) {
    await withClient(adminOf(instance), async (client) => {
      await client.query('SET session_replication_role = replica');
      await client.query('UPDATE item SET value = $2 WHERE id = $1', [id, value]);
    });
  },
};
