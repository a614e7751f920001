import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FollowTicket } from '../../../store.ts';
import { createHardSchema } from '../testing/hard-schema.ts';
import { inventory } from '../testing/inventory.ts';
import { Pair } from '../testing/pair.ts';
import { installed, never, Servers } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';

const servers = new Servers();
let pair: Pair;

const app = () => servers.client(pair.serves.instance);
const admin = (side: 'serves' | 'other' = 'serves') => servers.client(pair[side].instance, 'admin');
const values = async (client: Client) => (await client.query('SELECT v FROM t ORDER BY id')).map(({ v }) => v);

/** Storky's own things, and what belongs to the one server, are left out. */
const ofApp = (line: string) => !/^setting|^stream|storky/.test(line);

describe.skipIf(!installed)('the way back', () => {
  let before: string[];

  beforeAll(async () => {
    pair = await Pair.of(servers);
    await (await app()).batch(
      'CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))',
      `INSERT INTO t (v) VALUES ('before')`,
    );
    before = await inventory(await admin());
    await pair.copy();
  }, 60_000);
  afterAll(async () => {
    await pair?.dispose();
    await servers.dispose();
  });

  test('is prepared while the app is served, as often as it is asked for, and nothing of the probe is left', async () => {
    const there = await inventory(await admin());
    await pair.prepare();
    const { ticket } = pair.back;
    await pair.prepare();
    expect(pair.back.ticket).toEqual(ticket);
    expect(await inventory(await admin())).toEqual(there);
    expect(await pair.differences()).toEqual([]);
  });

  test('is not proven where it could not be followed, and nothing is left of the attempt', async () => {
    const there = await inventory(await admin());
    const { id, ticket } = pair.back;
    const prove = (given: FollowTicket) => pair.serves.wayBack.prove(id, given, pair.other.tunnel, never);
    await expect(prove({ ...ticket, password: 'wrong' })).rejects.toMatchObject({ code: 'engine_refused' });
    const boss = await admin('other');
    const account = `'${ticket.account}'@'%'`;
    await boss.batch('SET sql_log_bin = 0', `REVOKE REPLICATION SLAVE ON *.* FROM ${account}`);
    await expect(prove(ticket)).rejects.toThrow(/cannot be followed: .*COM_REGISTER_SLAVE/);
    await boss.query(`GRANT REPLICATION SLAVE ON *.* TO ${account}`);
    await boss.query(`SET GLOBAL binlog_format = 'MIXED'`);
    await expect(prove(ticket)).rejects.toThrow(/by row/);
    await boss.query(`SET GLOBAL binlog_format = 'ROW'`);
    await prove(ticket);
    expect(await inventory(await admin())).toEqual(there);
    await expect(pair.serves.wayBack.begin(id, ticket, pair.other.tunnel, '', never)).rejects.toMatchObject({
      code: 'not_in_sync',
    });
  });

  test('has what was written on the new side from its first write on', async () => {
    await (await app()).query(`INSERT INTO t (v) VALUES ('last on the old side')`);
    await pair.turnOver();
    await (await app()).query(`INSERT INTO t (v) VALUES ('first on the new side')`);
    await pair.begin();
    await pair.tidy(pair.old.id);
    expect(await pair.serves.source.open(pair.stream.id)).toEqual({ ticket: pair.stream.ticket, fresh: false });
    await (await app()).query(`INSERT INTO t (v) VALUES ('later')`);
    await pair.other.target.healthy();
    await pair.caughtUp();
    expect(await values(await admin('other'))).toEqual([
      'before',
      'last on the old side',
      'first on the new side',
      'later',
    ]);
    expect(await pair.differences()).toEqual([]);
    await expect(servers.client(pair.other.instance)).rejects.toMatchObject({ errno: 4151 });
  });

  test('brings changes of structure, accounts and events too, and lets nobody in on the sealed side', async () => {
    const boss = await admin();
    await createHardSchema(boss);
    await boss.batch(
      'ALTER TABLE t ADD COLUMN more INT DEFAULT 7',
      `CREATE EVENT made_later ON SCHEDULE EVERY 1 HOUR DO INSERT INTO t (v) VALUES ('event')`,
      'ALTER EVENT off ON SCHEDULE EVERY 2 HOUR',
      `CREATE USER 'new ''one'@'%' IDENTIFIED BY 'n'`,
      `GRANT ALL PRIVILEGES ON *.* TO 'new ''one'@'%' WITH GRANT OPTION`,
      `CREATE USER renamed IDENTIFIED BY 'r'`,
      `CREATE USER dismissed IDENTIFIED BY 'd'`,
      `ALTER USER "Shop 'User"@'%' IDENTIFIED BY 'changed'`,
    );
    await pair.caughtUp();
    await pair.other.target.lag();
    for (const [user, password] of [
      [`new 'one`, 'n'],
      [`Shop 'User`, 'changed'],
    ] as const)
      await expect(servers.client(pair.other.instance, [user, password])).rejects.toMatchObject({ errno: 4151 });
    await boss.batch(
      'RENAME USER renamed TO newly_named',
      'ALTER USER dismissed ACCOUNT LOCK',
      `ALTER USER "Shop 'User"@'%' IDENTIFIED BY 's3cret '' pass'`,
    );
    await pair.caughtUp();
    await pair.other.target.lag();
    expect(await pair.differences()).toEqual([]);
  });

  test('leads back: the old side is opened as it was, with everything that was written since', async () => {
    await pair.prepare();
    const reader = await servers.client(pair.other.instance);
    const boss = await servers.client(pair.other.instance, [`new 'one`, 'n']);
    await expect(boss.query(`INSERT INTO t (v) VALUES ('stray')`)).rejects.toMatchObject({ errno: 1290 });
    await expect(reader.query(`INSERT INTO t (v) VALUES ('stray')`)).rejects.toMatchObject({ errno: 1290 });
    const there = await inventory(await admin());
    await pair.turnOver();
    await reader.query(`INSERT INTO t (v) VALUES ('back again')`);
    await pair.begin();
    await pair.tidy(pair.old.id);
    await pair.caughtUp();
    expect(await pair.differences()).toEqual([]);
    expect(await values(await admin('other'))).toEqual(await values(reader));
    await pair.other.target.close(pair.stream.id);
    await pair.serves.source.close(pair.stream.id);
    expect((await inventory(await admin())).filter(ofApp)).toEqual(there.filter(ofApp));
    const settings = (line: string) => line.startsWith('setting');
    expect((await inventory(await admin())).filter(settings)).toEqual(before.filter(settings));
    expect(await (await admin()).query(`SHOW DATABASES LIKE 'storky'`)).toEqual([]);
    await expect(servers.client(pair.other.instance)).rejects.toMatchObject({ errno: 4151 });
  });
});
