import type { Subject } from '../../conformance/subject.ts';
import { engine } from '../engine.ts';
import { type Address, adminOf, connect, disconnect, withClient } from '../wire/connect.ts';
import { literal, qualified } from '../wire/sql.ts';

const names = { plan: 'sandbox', database: 'shop-db', user: "Shop 'User", password: "s3cret ' pass" };
const item = qualified(names.database, 'item');
const asApp = ({ host, port }: Pick<Address, 'host' | 'port'>) => ({
  host,
  port,
  user: names.user,
  password: names.password,
});

export const subject: Subject = {
  engine,
  names,
  async prepare(instance) {
    await withClient(
      asApp(instance),
      (client) => client.query(`CREATE TABLE ${item} (id INT PRIMARY KEY, value TEXT)`),
      { logged: true },
    );
  },
  async connect(instance) {
    const client = await connect(asApp(instance), { logged: true });
    return {
      write: async (id, value) =>
        void (await client.query(
          `INSERT INTO ${item} VALUES (${id}, ${literal(value)}) ON DUPLICATE KEY UPDATE value = VALUES(value)`,
        )),
      read: async (id) => (await client.value(`SELECT value FROM ${item} WHERE id = ${id}`)) ?? undefined,
      ids: async () => (await client.query(`SELECT id FROM ${item} ORDER BY id`)).map(({ id }) => Number(id)),
      close: () => disconnect(client),
    };
  },
  async corrupt(instance, id, value) {
    await withClient(adminOf(instance), (client) =>
      client.query(`UPDATE ${item} SET value = ${literal(value)} WHERE id = ${id}`),
    );
  },
};
