import { join } from 'node:path';
import { conforms } from '../../conformance/conformance.ts';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { engine } from '../engine.ts';
import { subject } from '../testing/subject.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { grantable } from '../wire/sql.ts';

/** The servers of the provider, by the folder of what Storky knows of them. */
const provided = new Map<string, DatabaseInstance>();
const real = (instance: DatabaseInstance) => provided.get(instance.folder) ?? instance;

/** `here` is a database that Storky does not run: the suite starts and stops its server as the provider would. */
const provider: DatabaseEngine = {
  ...engine,
  provision: (order) => (order.addon === 'here' ? adopted(order) : engine.provision(order)),
  start: (instance) => engine.start(real(instance)),
  stop: (instance) => engine.stop(real(instance)),
  running: (instance) => engine.running(real(instance)),
  async destroy(instance) {
    await engine.destroy(real(instance));
    await engine.destroy(instance);
  },
};

async function adopted(order: ProvisionOrder): Promise<DatabaseInstance> {
  const server = await engine.provision({ ...order, folder: join(order.folder, '..', 'provider') });
  await engine.start(server);
  provided.set(order.folder, server);
  await withClient(adminOf(server), (client) =>
    client.batch(
      "CREATE USER IF NOT EXISTS keeper IDENTIFIED BY 'k'",
      'GRANT REPLICATION SLAVE, BINLOG MONITOR, PROCESS, CREATE USER ON *.* TO keeper',
      `GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON ${grantable(order.database)}.* TO keeper`,
      'GRANT ALL PRIVILEGES ON storky.* TO keeper',
    ),
  );
  const address = `mysql://keeper:k@127.0.0.1:${server.port}/${encodeURIComponent(order.database)}`;
  return await engine.adopt!({ ...order, address });
}

await conforms({ ...subject, engine: provider }, { thereAndBack: false });
