import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../../../base/atomic-file.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Report } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { restoreSnapshot } from '../backup.ts';
import { installedVersions } from '../server/binaries.ts';
import { remember } from '../server/memory.ts';
import { provision } from '../server/provision.ts';
import { destroyServer } from '../server/server.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';

/** Nothing of it is dropped, nor written down. */
const settings = { maxmemory: '0', 'maxmemory-policy': 'noeviction', appendonly: 'no', save: '' };

/**
 * A snapshot can be given to nobody but a server that reads it from its own disk. So one of this host does, on loopback, for as
 * long as `use` takes, and needs as much memory as the data.
 */
export async function unpacked(
  instance: DatabaseInstance,
  snapshot: AsyncIterable<Buffer>,
  report: Report,
  signal: AbortSignal,
  use: (client: Client) => Promise<void>,
): Promise<void> {
  await forgetUnpacking(instance);
  const server = await serverFor(instance);
  try {
    await restoreSnapshot(server, { users: [], settings }, snapshot, report, signal);
    await withClient(adminOf(server), 'storky unpack', use);
  } finally {
    await destroyServer(server);
  }
}

/** One that was left by an agent that died. Idempotent. */
export async function forgetUnpacking(instance: DatabaseInstance): Promise<void> {
  const left = readJson<DatabaseInstance>(join(folderOf(instance), 'instance.json'));
  if (left) await destroyServer(left);
}

const folderOf = ({ folder }: DatabaseInstance) => join(folder, 'unpack');

async function serverFor(instance: DatabaseInstance): Promise<DatabaseInstance> {
  const { app, addon, database } = instance;
  const folder = folderOf(instance);
  mkdirSync(folder, { recursive: true });
  remember({ folder }, (memory) => {
    memory.settings = settings;
  });
  const [version] = (await installedVersions()).slice(-1);
  if (!version) throw new StorkyError('engine_missing', { region: 'This host', engine: 'Redis', version: '' });
  const password = randomBytes(24).toString('base64url');
  return await provision({ app, addon, database, folder, version, plan: 'sandbox', user: 'default', password });
}
