import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount } from '../../../../base/account.ts';
import { readJson, syncFolder, writeFileAtomic, writeJsonAtomic } from '../../../../base/atomic-file.ts';
import { freePort } from '../../../../base/free-port.ts';
import type { DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { besides, withClient } from '../wire/connect.ts';
import { quietly } from '../wire/quietly.ts';
import { identifier, literal } from '../wire/sql.ts';
import { toolPath } from './binaries.ts';
import { turns } from './bulk-load.ts';
import { run } from './run.ts';
import { dataFolder, ownedFolder, serverRuns, startServer } from './server.ts';
import { bulkLoading, bulkMark } from './settings.ts';

/** Every stage looks at what is there, so that after a kill at any point the next call takes over. */
export function provision(order: ProvisionOrder): Promise<DatabaseInstance> {
  return turns.take(order.folder, () => takeOver(order));
}

/** Starts what was provisioned; what a crash cut short while it was filled without durability is empty again. */
export async function start(instance: DatabaseInstance): Promise<void> {
  if (instance.guest) return;
  await turns.take(instance.folder, async () => {
    if (bulkLoading(instance) && !(await serverRuns(instance))) await takeOver(instance);
    else await startServer(instance);
  });
}

async function takeOver(order: ProvisionOrder): Promise<DatabaseInstance> {
  await toolPath(order.version, 'postgres');
  ownedFolder(order.folder);
  const instance = await remember(order);
  await discardHalfCopy(instance);
  await createCluster(instance);
  await startServer(instance);
  await createRoleAndDatabase(instance);
  return instance;
}

/** Nobody knows what of it is on disk. The data first: a mark without data does no harm, the other way round it would. */
async function discardHalfCopy(instance: DatabaseInstance): Promise<void> {
  if (!bulkLoading(instance) || (await serverRuns(instance))) return;
  rmSync(dataFolder(instance), { recursive: true, force: true });
  syncFolder(instance.folder);
  rmSync(bulkMark(instance));
  syncFolder(instance.folder);
}

/** Names, port and passwords are durable before anything is made with them. */
async function remember(order: ProvisionOrder): Promise<DatabaseInstance> {
  const path = join(order.folder, 'instance.json');
  const known = readJson<DatabaseInstance>(path);
  if (known) return known;
  const instance: DatabaseInstance = {
    ...order,
    engine: 'postgresql',
    host: '127.0.0.1',
    port: await freePort(),
    adminUser: 'storky_admin',
    adminPassword: randomBytes(24).toString('base64url'),
  };
  writeJsonAtomic(path, instance);
  return instance;
}

async function createCluster(instance: DatabaseInstance): Promise<void> {
  if (existsSync(dataFolder(instance))) return;
  // Under another name until it is complete; what a killed attempt left is never used.
  const draft = join(instance.folder, `data.${randomBytes(4).toString('hex')}.new`);
  const passwordFile = join(instance.folder, `password.${randomBytes(4).toString('hex')}`);
  writeFileAtomic(passwordFile, `${instance.adminPassword}\n`);
  giveToAccount(passwordFile);
  try {
    const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
    const access = [`--username=${instance.adminUser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    await run(await toolPath(instance.version, 'initdb'), ['-D', draft, '--data-checksums', ...locale, ...access]);
    renameSync(draft, dataFolder(instance));
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

async function createRoleAndDatabase(instance: DatabaseInstance): Promise<void> {
  await withClient(besides(instance), async (client) => {
    const role = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [instance.user]);
    if (role.rowCount === 0)
      await quietly(client, () =>
        client.query(`CREATE ROLE ${identifier(instance.user)} LOGIN PASSWORD ${literal(instance.password)}`),
      );
    const database = await client.query('SELECT FROM pg_database WHERE datname = $1', [instance.database]);
    if (database.rowCount === 0)
      await client.query(`CREATE DATABASE ${identifier(instance.database)} OWNER ${identifier(instance.user)}`);
  });
}
