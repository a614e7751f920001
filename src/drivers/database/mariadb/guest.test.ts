import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseInstance, GuestOrder } from '../contract.ts';
import { engine } from './engine.ts';
import { inventory } from './testing/inventory.ts';
import { LikeAContainer } from './testing/like-a-container.ts';
import { installed } from './testing/servers.ts';
import { type Client, connect, disconnect } from './wire/connect.ts';

const { guest, following } = engine;
const names = { app: 'shop', addon: 'db', database: 'shop-db', user: "Shop 'User", password: "s3cret ' pass" };

describe.skipIf(!installed)('a server in a container', () => {
  const folder = mkdtempSync(join(tmpdir(), 'storky-guest-'));
  const server = new LikeAContainer(join(folder, 'server'));
  let version: string;
  let order: GuestOrder;
  let root: Client;

  const asked = (environment: Record<string, string | undefined>) => {
    const merged = Object.entries({ ...order.environment, ...environment }).filter(([, value]) => value !== undefined);
    return guest!.describe({ ...order, environment: Object.fromEntries(merged) as Record<string, string> });
  };
  const standing = async () => [...(await inventory(root)), `number ${await root.value('SELECT @@global.server_id')}`];

  beforeAll(async () => {
    chmodSync(folder, 0o711);
    version = (await engine.versions()).at(-1)!;
    await server.make({ ...names, version });
    order = server.order({ ...names, folder: join(folder, 'own') });
    const { adminUser: user, adminPassword: password } = await guest!.describe(order);
    root = await connect({ host: '127.0.0.1', port: server.port, user, password });
  }, 60_000);
  afterAll(async () => {
    await disconnect(root);
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is reached by what its variables say, or the files that they name, under either name', async () => {
    const known = await guest!.describe(order);
    expect(known).toMatchObject({ engine: 'mariadb', version, adminUser: 'root', user: names.user, plan: 'container' });
    const secret = join(folder, 'secret');
    writeFileSync(secret, `${known.adminPassword}\n`, { mode: 0o600 });
    const file = await asked({ MARIADB_ROOT_PASSWORD: undefined, MARIADB_ROOT_PASSWORD_FILE: secret });
    expect(file).toEqual(known);
    expect(await asked({ MARIADB_ROOT_PASSWORD: undefined, MYSQL_ROOT_PASSWORD: known.adminPassword })).toEqual(known);
    expect(await asked({ MARIADB_USER: undefined, MARIADB_PASSWORD: undefined })).toMatchObject({
      user: 'root',
      password: known.adminPassword,
    });
  });

  it('says what has to be written down where its variables do not tell a password that works', async () => {
    await expect(asked({ MARIADB_ROOT_PASSWORD: undefined, MARIADB_RANDOM_ROOT_PASSWORD: '1' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('password of root'),
    });
    await expect(asked({ MARIADB_ROOT_PASSWORD: 'an earlier one' })).rejects.toMatchObject({ code: 'engine_refused' });
    const empty = asked({ MARIADB_ROOT_PASSWORD: undefined, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: 'yes' });
    await expect(empty).rejects.toMatchObject({ code: 'engine_refused' });
  });

  it('has an account of Storky for as long as a move has it, and is as it was after that', async () => {
    const before = await standing();
    const described = await guest!.describe(order);
    const welcomed = await guest!.welcome(described);
    expect(welcomed).toMatchObject({ adminUser: 'storky_admin', user: names.user });
    expect(await guest!.welcome(welcomed)).toEqual(welcomed);
    // Nobody could write down that it was welcomed, or dismissed.
    const again = await guest!.welcome(described);
    expect(await guest!.dismiss(again)).toEqual(described);
    expect(await standing()).toEqual(before);
    const anew = await guest!.welcome(again);
    expect(await guest!.dismiss(anew)).toEqual(described);
    expect(await guest!.dismiss(anew)).toEqual(described);
    expect(await guest!.dismiss(described)).toEqual(described);
    expect(await standing()).toEqual(before);
  });

  it('cannot be followed without options in its command, each of which is said', async () => {
    await server.stop();
    server.command = notFit;
    await server.start(version);
    const instance = await guest!.welcome(await guest!.describe(order));
    const remedies = await remediesOf(instance);
    for (const option of [
      '--log-bin and',
      '--binlog-format=ROW',
      '--skip-gtid-strict-mode',
      '--skip-log-slave-updates',
      '--local-infile=ON',
      '--event-scheduler=OFF',
    ])
      expect(remedies).toContainEqual(expect.stringContaining(`Add ${option}`));
    await expect(following!.allow(instance)).rejects.toMatchObject({
      code: 'engine_refused',
      remedy: expect.stringContaining('Add --log-bin'),
    });
  }, 60_000);
});

const notFit = ['--event-scheduler=DISABLED', '--gtid-strict-mode', '--skip-local-infile', '--log-slave-updates'];

async function remediesOf(instance: DatabaseInstance): Promise<string[]> {
  const findings = await engine.source(instance).check();
  return findings.flatMap(({ verdict, remedy }) => (verdict === 'fail' ? [remedy!] : []));
}
