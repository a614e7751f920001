import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../../../base/atomic-file.ts';
import { freePort } from '../../../../base/free-port.ts';
import type { DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { adminUser } from '../names.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { account, grantable, identifier, literal } from '../wire/sql.ts';
import { toolPath } from './binaries.ts';
import { productOf } from './product.ts';
import { run } from './run.ts';
import { dataFolder, ownedFolder, startServer } from './server.ts';
import type { Identity } from './settings.ts';

/** Every stage looks at what is there, so that after a kill at any point the next call takes over. */
export async function provision(engine: string, order: ProvisionOrder): Promise<DatabaseInstance> {
  await toolPath(engine, order.version, 'server');
  ownedFolder(order.folder);
  const instance = await remember(engine, order);
  await createDataFolder(instance);
  await startServer(instance);
  await createUserAndDatabase(instance);
  return instance;
}

/** Names, port and passwords are durable before anything is made with them. */
async function remember(engine: string, order: ProvisionOrder): Promise<DatabaseInstance> {
  const identity: Identity = { serverId: randomInt(1, 2 ** 32 - 1), domainId: randomInt(1, 2 ** 32 - 1) };
  const identityPath = join(order.folder, 'identity.json');
  if (!readJson(identityPath)) writeJsonAtomic(identityPath, identity);
  const path = join(order.folder, 'instance.json');
  const known = readJson<DatabaseInstance>(path);
  if (known) return known;
  const instance: DatabaseInstance = {
    ...order,
    engine,
    host: '127.0.0.1',
    port: await freePort(),
    adminUser,
    adminPassword: randomBytes(24).toString('base64url'),
  };
  writeJsonAtomic(path, instance);
  return instance;
}

async function createDataFolder(instance: DatabaseInstance): Promise<void> {
  if (existsSync(dataFolder(instance))) return;
  // Under another name until it is complete; what a killed attempt left is never used.
  for (const name of readdirSync(instance.folder).filter((entry) => entry.endsWith('.new')))
    rmSync(join(instance.folder, name), { recursive: true, force: true });
  const draft = join(instance.folder, `data.${randomBytes(4).toString('hex')}.new`);
  ownedFolder(draft);
  const temporary = join(instance.folder, 'tmp');
  ownedFolder(temporary);
  const tool = await toolPath(instance.engine, instance.version, 'install');
  await run(tool, ['--no-defaults', ...productOf(instance.engine).install(draft, temporary)]);
  renameSync(draft, dataFolder(instance));
}

async function createUserAndDatabase(instance: DatabaseInstance): Promise<void> {
  const user = account(instance.user, '%');
  await withClient(adminOf(instance), async (client) => {
    await client.query(`CREATE DATABASE IF NOT EXISTS ${identifier(instance.database)}`);
    const known = await client.query(`SELECT 1 FROM mysql.user WHERE User = ${literal(instance.user)} AND Host = '%'`);
    if (known.length > 0) return;
    for (const statement of productOf(instance.engine).dropFirstAccounts) await client.query(statement);
    await client.query(`CREATE USER ${user} IDENTIFIED BY ${literal(instance.password)}`);
    await client.query(`GRANT ALL PRIVILEGES ON ${grantable(instance.database)}.* TO ${user}`);
  });
}
