import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { expect, it, onTestFinished } from 'vitest';
import { ManagedMariaDb, mariadbInstalled } from '../support/managed-mariadb.ts';
import { runStorky } from '../support/spawned.ts';
import { closeTheGuestbook, Guests, openGuestbook } from './stage/guestbook.ts';
import { withDatabaseAt } from './stage/managed-shop.ts';
import { selfSigned } from './stage/self-signed.ts';
import { Stage } from './stage/stage.ts';

it.skipIf(!mariadbInstalled)(
  'a MariaDB that Storky does not run moves live into one that it runs: nothing lost, nobody sees an error',
  async () => {
    const { managed, stage, guests, storky } = await visited();
    const id = /migration-run --prepare\s+(\S+)/.exec(await storky('migration-create', '--to', 'east'))![1]!;
    await storky('migration-run', '--prepare', id);
    await storky('migration-run', '--data', id);
    await guests.reached(guests.acknowledged.size + 30);
    expect(await storky('migration-run', '--finalize', id)).toMatch(/db: Storky does not run it/);
    await guests.reached(guests.acknowledged.size + 50);
    const { report } = await stage.api.migrations.show({ app: 'guestbook', id });
    expect(report.stores).toMatchObject([{ name: 'db', carrier: 'live' }]);
    expect(report.switches).toMatchObject([{ outcome: 'switched', refused: 0 }]);
    expect(report.wayBack).toMatchObject({ open: false, reason: expect.stringContaining('Storky does not run it') });
    await closeTheGuestbook(guests, stage.east);
    expect(guests.servedBy.east).toBeGreaterThan(0);

    // Closed to the app, and to nobody else; of the move, the seal alone is left.
    await expect(mysql.createConnection(managed.appUrl)).rejects.toThrow(/locked/);
    await managed.asProvider('INSERT INTO of_another_customer.theirs VALUES (2)');
    expect(await managed.asProvider("SELECT User FROM mysql.user WHERE User LIKE 'storky%'")).toEqual([]);
    expect(await managed.asProvider('SELECT COUNT(*) AS n FROM storky.ticket')).toEqual([{ n: 0 }]);
    expect(
      filesWith(stage.folder, managed.admin.password).filter(
        (path) => !/apps\/guestbook\/app.json$|guestbook\/address$/.test(path),
      ),
    ).toEqual([]);
  },
);

it.skipIf(!mariadbInstalled)(
  'abort leaves nothing in a MariaDB that Storky does not run, and a removed app leaves it as it is',
  async () => {
    const { managed, stage, guests, storky } = await visited();
    const before = await catalog(managed);
    const id = /migration-run --prepare\s+(\S+)/.exec(await storky('migration-create', '--to', 'east'))![1]!;
    await storky('migration-run', '--prepare', id);
    await storky('migration-run', '--data', id);
    expect(await catalog(managed)).not.toEqual(before);
    await storky('migration-abort', id);
    expect(await catalog(managed)).toEqual(before);
    await stage.west.restartAgent();
    await guests.reached(guests.acknowledged.size + 20);
    await closeTheGuestbook(guests, stage.west);
    expect(await storky('remove')).toMatch(/db stays/);
    expect(await managed.inDatabase('SELECT COUNT(*) > 0 AS there FROM signed')).toEqual([{ there: 1 }]);
  },
);

it.skipIf(!mariadbInstalled)(
  'a MariaDB that Storky does not run is filled by a move, from another one: an abort gives it back, and the move brings everything',
  async () => {
    const { managed, stage, guests, storky, environment } = await visited();
    const fresh = await provided();
    await fresh.asProvider(
      "DROP USER 'Shop app'",
      'GRANT CREATE USER, SET USER ON *.* TO keeper',
      'GRANT ALL PRIVILEGES ON `shop\\_managed`.* TO keeper WITH GRANT OPTION',
    );
    const before = [await catalog(managed), await catalog(fresh)];
    await guests.stop(); // with a backup they would be turned away
    const created = async () => {
      const output = await storky('migration-create', '--to', 'east', '--addon', 'db=env:FRESH');
      expect(output.replaceAll(/\s+/g, ' ')).toMatch(
        /not carried live: it goes into a database that Storky does not run/,
      );
      return /migration-run --prepare\s+(\S+)/.exec(output)![1]!;
    };
    environment.FRESH = fresh.address();

    const first = await created();
    await storky('migration-run', '--prepare', first);
    await storky('migration-run', '--data', first);
    expect(await fresh.inDatabase('SELECT COUNT(*) AS n FROM signed')).toEqual([{ n: guests.acknowledged.size }]);
    await storky('migration-abort', first);
    expect([await catalog(managed), await catalog(fresh)]).toEqual(before);

    const second = await created();
    for (const phase of ['--prepare', '--data', '--finalize']) await storky('migration-run', phase, second);
    await closeTheGuestbook(guests, stage.east);
    const later = new Guests(stage.west, 'later');
    await later.reached(20);
    await closeTheGuestbook(later, stage.east);
    expect(later.servedBy.east).toBeGreaterThan(0);
    await expect(mysql.createConnection(managed.appUrl)).rejects.toThrow(/locked/);
    expect(await fresh.asProvider("SHOW DATABASES LIKE 'storky'")).toEqual([]);
    expect(filesWith(`${stage.folder}/east/offers`, 'keeper')).toEqual([]);
  },
);

async function provided(): Promise<ManagedMariaDb> {
  const managed = await ManagedMariaDb.start();
  onTestFinished(() => managed[Symbol.asyncDispose]());
  return managed;
}

/** The administrator comes encrypted, with no more rights than it takes; the guests are there. */
async function visited() {
  const managed = await provided();
  await managed.grantAll();
  await managed.asProvider(
    'CREATE TABLE of_another_customer.theirs (id INT PRIMARY KEY)',
    'INSERT INTO of_another_customer.theirs VALUES (1)',
  );
  const { cert, key } = await selfSigned('localhost');
  await managed.encrypt({ cert, key });
  const stage = await Stage.set();
  const ca = join(stage.folder, 'ca.pem');
  writeFileSync(ca, cert);
  const address = managed.address(`?ssl-mode=VERIFY_IDENTITY&ssl-ca=${ca}`);
  await openGuestbook(stage, stage.west, withDatabaseAt({ address, ...managed.app, engine: 'mariadb' }));
  const guests = new Guests(stage.west);
  await guests.reached(50);
  const environment: Record<string, string> = {};
  const storky = async (...args: string[]) => {
    const { code, output } = await runStorky(['--app', 'guestbook', '--region', 'west', '--yes', ...args], {
      env: { ...stage.env, ...environment },
    });
    expect(code, output).toBe(0);
    return output;
  };
  return { managed, stage, guests, storky, environment };
}

/** Everything that has a name, with the rights. */
const catalog = (managed: ManagedMariaDb) =>
  managed.asProvider(`
    SELECT CONCAT('schema ', SCHEMA_NAME) AS what FROM information_schema.SCHEMATA
    UNION ALL SELECT CONCAT('table ', TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA <> 'information_schema'
    UNION ALL SELECT CONCAT('account ', User, Host, Priv) FROM mysql.global_priv UNION ALL SELECT CONCAT('right ', User, Db) FROM mysql.db ORDER BY 1`);

/** Logs, the server's state, documents: wherever it stands in clear. */
function filesWith(folder: string, secret: string): string[] {
  // What runs makes and removes files meanwhile, which grep would tell by its exit code.
  const { stdout } = spawnSync('grep', ['-rlsaF', secret, folder], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}
