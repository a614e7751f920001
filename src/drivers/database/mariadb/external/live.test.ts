import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selfSigned } from '../../../../../test/e2e/stage/self-signed.ts';
import { ManagedMariaDb, mariadbInstalled } from '../../../../../test/support/managed-mariadb.ts';
import type { FollowTicket, SourceEndpoint, SourceStore, TargetStore } from '../../../store.ts';
import { wayTo } from '../../conformance/way-to.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { never, Servers, soon } from '../testing/servers.ts';
import { type Client, connect, withClient } from '../wire/connect.ts';
import { appOf } from './adopt.ts';

/** One story: an encrypted database that Storky does not run, followed live by one that it runs. */
const timeout = 60_000;
const servers = new Servers();
let managed: ManagedMariaDb;
let here: DatabaseInstance;
let there: DatabaseInstance;
let source: SourceStore;
let target: TargetStore;
let from: SourceEndpoint & { close(): void };
let ticket: FollowTicket;
let app: Client;
let ca: string;
const migration = crypto.randomUUID();
const order = (query = `?ssl-mode=VERIFY_IDENTITY&ssl-ca=${ca}`) => ({
  ...{ app: 'shop', addon: 'db', folder: servers.folder },
  ...managed.app,
  address: managed.address(query),
});
const inside = (client: Client) => client.query(`USE ${managed.database}`);

beforeAll(async () => {
  if (!mariadbInstalled) return;
  managed = await ManagedMariaDb.start();
  await managed.grantAll();
  const { cert, key } = await selfSigned('localhost');
  await managed.encrypt({ cert, key }, managed.app.user);
  ca = join(servers.folder, 'ca.pem');
  writeFileSync(ca, cert);
  here = await engine.adopt!(order());
  app = await connect(appOf(here));
  await inside(app);
  await app.batch(
    'CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, value TEXT)',
    'CREATE TABLE counted (n INT)',
    'INSERT INTO counted VALUES (0)',
    'CREATE TRIGGER counting AFTER INSERT ON item FOR EACH ROW UPDATE counted SET n = n + 1',
    'CREATE SEQUENCE numbers',
    "INSERT INTO item (value) VALUES ('first'), ('second')",
  );
  await managed.inDatabase(
    "CREATE DEFINER = other@'%' VIEW seen AS SELECT COUNT(*) AS items FROM item",
    'CREATE TABLE of_another_customer.theirs (id INT PRIMARY KEY)',
    'INSERT INTO of_another_customer.theirs VALUES (1)',
  );
  const { database, user, password } = here;
  const version = (await engine.versions()).at(-1)!;
  const names = { app: 'shop', addon: 'db', plan: 'sandbox', version, database, user, password };
  there = await engine.provision({ ...names, folder: join(servers.folder, 'there') });
  [source, target, from] = [engine.source(here), engine.target(there), await wayTo(engine, here)];
}, 120_000);
afterAll(async () => {
  app?.socket.destroy();
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  from?.close();
  if (there) await engine.destroy(there);
  await servers.dispose();
  await managed?.[Symbol.asyncDispose]();
});

it.skipIf(!mariadbInstalled)(
  'is encrypted where the server can, and only for whom its certificate is',
  async () => {
    expect((await engine.adopt!(order(''))).external).toEqual({ parameters: { 'ssl-mode': 'REQUIRED' } });
    await expect(engine.adopt!(order('?ssl-mode=DISABLED'))).rejects.toThrow(/cannot log in/);
    const other = join(servers.folder, 'other.pem');
    writeFileSync(other, (await selfSigned('localhost')).cert);
    for (const mode of ['VERIFY_CA', 'verify_identity'])
      await expect(engine.adopt!(order(`?ssl-mode=${mode}&ssl-ca=${other}`))).rejects.toThrow(/certificate/);
    await expect(
      engine.dial!({ ...here, external: { parameters: { 'ssl-mode': 'VERIFY_CA', 'ssl-ca': other } } }).then(greets),
    ).rejects.toThrow();
    const ready = (await source.check()).filter(({ verdict }) => verdict === 'fail');
    expect(ready).toEqual([]);
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'is copied and followed through a way that speaks plainly, and nobody else of that server',
  async () => {
    // Another app's move from the same server, which is given up later.
    const other = crypto.randomUUID();
    await source.open(other);
    const opened = await source.open(migration);
    ticket = JSON.parse(JSON.stringify(opened.ticket));
    expect(await source.open(migration)).toMatchObject({ fresh: false, ticket: { password: managed.admin.password } });
    await target.copy(migration, ticket, from, () => {}, never);
    await target.standby();
    await target.follow(migration, ticket, from, never);
    await app.query("INSERT INTO item (value) VALUES ('followed')");
    await source.retained?.(migration);
    await source.close(other);
    await target.rehearse(migration, from, never);
    // What others do there would end the stream, if it came.
    await managed.asProvider(
      'USE of_another_customer',
      'CREATE TABLE more (id INT PRIMARY KEY)',
      'INSERT INTO theirs VALUES (2)',
      'CREATE PROCEDURE nothing() BEGIN END',
      "CREATE USER third IDENTIFIED BY 'third'",
      'GRANT SELECT ON of_another_customer.* TO third',
      'CREATE DATABASE yet_another',
      'DROP DATABASE yet_another',
    );
    await app.batch('ALTER TABLE item ADD more INT', "INSERT INTO item (value, more) VALUES ('altered', 1)");
    await target.rehearse(migration, from, never);
    expect((await target.verify(migration, ticket, from, () => {}, never)).differences).toEqual([]);
    const copy = await servers.client(there, 'admin');
    const names = async (sql: string) => (await copy.query(sql)).map(({ name }) => name);
    expect(await names('SELECT value AS name FROM shop_managed.item ORDER BY id')).toEqual([
      ...['first', 'second', 'followed', 'altered'],
    ]);
    expect(await names('SELECT items AS name FROM shop_managed.seen')).toEqual(['4']);
    expect(
      await names("SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%another%'"),
    ).toEqual([]);
    expect(
      await names(
        "SELECT CONCAT(User, '@', Host) AS name FROM mysql.user WHERE User NOT LIKE 'storky%' AND User <> 'mariadb.sys' ORDER BY 1",
      ),
    ).toEqual(['Shop app@%', 'other@%']);
    const kept = await managed.asProvider('SELECT ticket FROM storky.ticket');
    expect(JSON.stringify(kept)).not.toContain(managed.admin.password);
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'is fenced for every table, and goes on when the switch backs out; a changed structure is noticed',
  async () => {
    // The copy is of another structure by now.
    const again = await source.open(migration);
    expect(again.fresh).toBe(true);
    ticket = again.ticket;
    await target.copy(migration, ticket, from, () => {}, never);
    await target.standby();
    await target.follow(migration, ticket, from, never);
    await target.rehearse(migration, from, never);
    await source.ready(migration);
    await source.fence(soon());
    const waits = app.query("INSERT INTO item (value) VALUES ('waited')");
    expect(await Promise.race([waits, new Promise((resolve) => setTimeout(resolve, 300, 'held'))])).toBe('held');
    // Only this database stands still.
    await managed.asProvider('INSERT INTO of_another_customer.theirs VALUES (3)');
    await source.unfence();
    await waits;

    await source.ready(migration);
    await app.query('CREATE TABLE late (id INT PRIMARY KEY)');
    await source.fence(soon());
    await expect(source.mark(migration, 1, soon())).rejects.toMatchObject({ code: 'schema_changed' });
    await source.unfence();

    await app.query('DROP TABLE late');
    await source.ready(migration);
    await source.fence(soon());
    await source.mark(migration, 2, soon());
    await app.query('CREATE TABLE later (id INT PRIMARY KEY)');
    await expect(source.seal()).rejects.toMatchObject({ code: 'schema_changed' });
    await source.unfence();
    app = await reconnected();
    await app.query('DROP TABLE later');
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'is sealed for its own accounts alone, and unsealed',
  async () => {
    await target.rehearse(migration, from, never);
    await source.ready(migration);
    const proof = Promise.withResolvers<string | null>();
    const applied = target.applied(migration, 3, soon(), proof.promise);
    await source.fence(soon());
    proof.resolve((await source.mark(migration, 3, soon())) ?? null);
    await applied;
    await source.seal();
    await expect.poll(() => app.query('SELECT 1').catch((error) => error.message)).toMatch(/closed|lost|killed/i);
    await expect(connect(appOf(here))).rejects.toThrow(/locked/);
    await withClient({ ...appOf(here), user: 'other', password: 'other' }, async (client) => {
      await client.query('INSERT INTO of_another_customer.theirs VALUES (4)');
    });
    expect(await managed.asProvider('SELECT @@read_only AS r')).toEqual([{ r: 0 }]);
    // As after a crash of the agent: nothing that was in memory is needed.
    await source[Symbol.asyncDispose]();
    source = engine.source(here);
    await source.seal();
    await expect(connect(appOf(here))).rejects.toThrow(/locked/);
    await source.unfence();
    app = await reconnected();
    await app.query("INSERT INTO item (value) VALUES ('after')");
    await target.rehearse(migration, from, never);
    // That they were locked there did not come along.
    const copy = await servers.client(there, 'admin');
    expect(
      await copy.query("SELECT User FROM mysql.global_priv WHERE User = 'Shop app' AND Priv LIKE '%locked%'"),
    ).toEqual([]);
    await target.close(migration);
    await source.close(migration);
    expect(await managed.asProvider("SHOW DATABASES LIKE 'storky'")).toEqual([]);
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'is carried by a backup, with who made what is in it',
  async () => {
    // In the region it has the names that the app knows.
    const { database, user, password } = here;
    const folder = join(servers.folder, 'fresh');
    const version = (await engine.versions()).at(-1)!;
    const fresh = await engine.provision({
      app: 'shop',
      addon: 'db',
      plan: 'sandbox',
      version,
      database,
      user,
      password,
      folder,
    });
    try {
      await using filled = engine.target(fresh);
      await filled.restore(await source.backup(), () => {}, never);
      const rows = await withClient(
        appOf(fresh),
        (client) =>
          client.batch(
            `USE ${database}`,
            'SELECT COUNT(*) AS n FROM item',
            'SELECT items FROM seen',
            'SELECT n FROM counted',
          ),
        { logged: true },
      );
      expect(rows.slice(1)).toEqual([[{ n: '6' }], [{ items: '6' }], [{ n: '6' }]]);
    } finally {
      await engine.destroy(fresh);
    }
  },
  timeout,
);

async function reconnected(): Promise<Client> {
  const client = await connect(appOf(here));
  await inside(client);
  return client;
}

/** A client that speaks plainly is greeted at once; what is wrong with the encryption shows when it answers. */
async function greets(way: Awaited<ReturnType<NonNullable<typeof engine.dial>>>): Promise<void> {
  way.write(Buffer.concat([Buffer.from([32, 0, 0, 1]), Buffer.alloc(32)]));
  for await (const _ of way);
}
