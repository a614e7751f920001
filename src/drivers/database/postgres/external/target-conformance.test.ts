import { join } from 'node:path';
import { conforms } from '../../conformance/conformance.ts';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { engine } from '../engine.ts';
import { subject } from '../testing/subject.ts';
import { besides, withClient } from '../wire/connect.ts';

/** `there` is a database that Storky does not run: an empty one, of a server where its administrator is no superuser. */
const provider: DatabaseEngine = {
  ...engine,
  provision: (order) => (order.addon === 'there' ? taken(order) : engine.provision(order)),
  async destroy(instance) {
    const server = servers.get(instance.folder);
    if (server) await engine.destroy(server);
    else await engine.destroy(instance);
  },
};
const servers = new Map<string, DatabaseInstance>();

async function taken(order: ProvisionOrder): Promise<DatabaseInstance> {
  const server = await engine.provision({ ...order, user: 'other', folder: join(order.folder, '..', 'provider') });
  await engine.start(server);
  servers.set(order.folder, server);
  await withClient(besides(server), async (client) => {
    await client.query("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'k'");
    await client.query('CREATE DATABASE fresh OWNER keeper');
    await client.query('GRANT SET ON PARAMETER session_replication_role TO keeper');
  });
  const address = `postgresql://keeper:k@127.0.0.1:${server.port}/fresh`;
  return await engine.take!({ ...order, address });
}

await conforms({ ...subject, engine: provider }, { thereAndBack: false });
