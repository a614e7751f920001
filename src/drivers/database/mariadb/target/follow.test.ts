import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { FollowTicket, SourceStore, TargetStore } from '../../../store.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { installed, never, Servers, soon } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';

const servers = new Servers();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let source: SourceStore;
let target: TargetStore;
let ticket: FollowTicket;
let migration: string;
let app: Client;

const copyAndFollow = async () => {
  ({ ticket } = await source.open(migration));
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.standby();
  await target.follow(migration, ticket, tunnel, never);
};
const verify = async () => (await target.verify(migration, ticket, tunnel, () => {}, never)).differences;

describe.skipIf(!installed)('the stream', () => {
  beforeAll(async () => {
    [here, there] = [await servers.provision('here'), await servers.provision('there')];
    app = await servers.client(here);
    await app.batch(
      'CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))',
      'CREATE TABLE nokey (a INT, b VARCHAR(20))',
      `INSERT INTO t (v) SELECT CONCAT('row ', seq) FROM seq_1_to_25000`,
      `INSERT INTO nokey SELECT seq MOD 50, 'x' FROM seq_1_to_500`,
    );
  }, 60_000);
  beforeEach(async () => {
    migration = randomUUID();
    tunnel = await Tunnel.to(here);
    [source, target] = [engine.source(here), engine.target(there)];
  });
  afterEach(async () => {
    await source.unfence();
    await target.close(migration);
    await source.close(migration);
    tunnel.close();
  });
  afterAll(() => servers.dispose());

  test('a copy that is cut says so, and begins anew with another moment', async () => {
    ({ ticket } = await source.open(migration));
    tunnel.onBytes = (total) => total > 400_000 && tunnel.cut();
    await expect(target.copy(migration, ticket, tunnel, () => {}, never)).rejects.toMatchObject({
      code: 'copy_interrupted',
    });
    await expect(target.follow(migration, ticket, tunnel, never)).rejects.toMatchObject({ code: 'copy_interrupted' });
    tunnel.onBytes = () => {};
    await app.query(`INSERT INTO t (v) VALUES ('between')`);
    await copyAndFollow();
    expect(await verify()).toEqual([]);
  });

  test('a cut link, another port and a killed server on either side lose nothing', async () => {
    await copyAndFollow();
    tunnel.cut();
    await app.query(`UPDATE t SET v = 'while it was cut' WHERE id <= 10`);
    await target.healthy();
    tunnel.close();
    tunnel = await Tunnel.to(here);
    await app.query(`INSERT INTO t (v) VALUES ('before the new port')`);
    await target.follow(migration, ticket, tunnel, never);
    await stopServer(there, 'kill');
    await app.query(`INSERT INTO t (v) VALUES ('while the target was down')`);
    await engine.start(there);
    await target.follow(migration, ticket, tunnel, never);
    await stopServer(here, 'kill');
    await engine.start(here);
    app = await servers.client(here);
    await app.query(`INSERT INTO t (v) VALUES ('after the crash')`);
    await target.rehearse(migration, tunnel, never);
    expect(await verify()).toEqual([]);
    expect(await source.open(migration)).toMatchObject({ fresh: false });
  });

  test('one bit in one row is found, with a key and without', async () => {
    await copyAndFollow();
    const admin = await servers.client(there, 'admin');
    await admin.query('SET sql_log_bin = 0');
    await admin.batch(
      `UPDATE t SET v = 'row 778' WHERE id = 777`,
      `UPDATE nokey SET b = 'y' WHERE a = 7 LIMIT 1`,
      'DELETE FROM t WHERE id = 24000',
    );
    expect((await verify()).sort()).toEqual([
      expect.stringMatching(/nokey: rows differ/),
      expect.stringMatching(/nokey: rows differ/),
      'shop-db_1.t: the row id = 24000 differs',
      'shop-db_1.t: the row id = 777 differs',
    ]);
  });

  /** Writes while it is copied, and looks for what came twice or not at all. */
  const copiedOnce = async () => {
    // Without a key: what came twice would be there twice.
    await app.query('CREATE TABLE numbers (n INT)');
    let [last, stop] = [0, false];
    const writers = Array.from({ length: 6 }, async (_, w) => {
      const client = await servers.client(here);
      while (!stop) {
        await client.batch('BEGIN', `INSERT INTO numbers VALUES (${++last})`);
        await sleep(5 + 7 * w);
        await client.query('COMMIT');
      }
    });
    await copyAndFollow();
    stop = true;
    await Promise.all(writers);
    await target.rehearse(migration, tunnel, never);
    const copy = await servers.client(there, 'admin');
    expect(await copy.query('SELECT COUNT(*) AS n, COUNT(DISTINCT n) AS different FROM numbers')).toEqual([
      { n: String(last), different: String(last) },
    ]);
    await app.query('DROP TABLE numbers');
  };

  test(
    'transactions that are open while the moment of the copy is taken come once, by the copy or by the stream',
    copiedOnce,
  );

  test('they do so too where sessions of the server read what was committed last', async () => {
    const admin = await servers.client(here, 'admin');
    await admin.query(`SET GLOBAL tx_isolation = 'READ-COMMITTED'`);
    try {
      await copiedOnce();
    } finally {
      await admin.query(`SET GLOBAL tx_isolation = 'REPEATABLE-READ'`);
    }
  });

  test('of equal rows without a key, as many are changed and deleted as were; a late commit is whole', async () => {
    await copyAndFollow();
    const early = await servers.client(here);
    await early.batch('BEGIN', `INSERT INTO nokey VALUES (1000, 'before the cut')`);
    await app.batch('DELETE FROM nokey WHERE a = 1 LIMIT 1', `UPDATE nokey SET b = 'y' WHERE a = 2 LIMIT 1`);
    await target.rehearse(migration, tunnel, never);
    tunnel.cut();
    await app.query(`INSERT INTO nokey VALUES (1000, 'committed first')`);
    await target.healthy();
    await early.batch(`INSERT INTO nokey VALUES (1000, 'at last')`, 'COMMIT');
    await target.rehearse(migration, tunnel, never);
    const rows = async (instance: DatabaseInstance) =>
      (await servers.client(instance, 'admin')).query(
        'SELECT a, b, COUNT(*) AS n FROM nokey WHERE a IN (1, 2, 1000) GROUP BY a, b ORDER BY a, b',
      );
    expect(await rows(there)).toEqual(await rows(here));
    expect(await rows(there)).toEqual([
      { a: '1', b: 'x', n: '9' },
      { a: '2', b: 'x', n: '9' },
      { a: '2', b: 'y', n: '1' },
      ...['at last', 'before the cut', 'committed first'].map((b) => ({ a: '1000', b, n: '1' })),
    ]);
  });

  test('a change that cannot be applied is said, and a table altered meanwhile means a fresh ticket', async () => {
    await copyAndFollow();
    const admin = await servers.client(there, 'admin');
    await admin.batch('SET sql_log_bin = 0', 'DELETE FROM t WHERE id = 5');
    await app.query(`UPDATE t SET v = 'not there' WHERE id = 5`);
    await sleep(500);
    await expect(target.healthy()).rejects.toMatchObject({ code: 'schema_changed' });
    await app.query('ALTER TABLE t ADD COLUMN more INT');
    await expect(source.ready(migration)).rejects.toMatchObject({ code: 'schema_changed' });
    expect(await source.open(migration)).toMatchObject({ fresh: true });
    await copyAndFollow();
    expect(await verify()).toEqual([]);
    await app.query('ALTER TABLE t DROP COLUMN more');
  });

  test('a log that was purged is noticed, and copied over', async () => {
    await copyAndFollow();
    await stopServer(there);
    const admin = await servers.client(here, 'admin');
    await admin.batch(`INSERT INTO t (v) VALUES ('purged')`, 'FLUSH BINARY LOGS', `INSERT INTO t (v) VALUES ('kept')`);
    const logs = await admin.query('SHOW BINARY LOGS');
    // A log is not purged while the copy's session, which its end has not reached yet, still reads it.
    await waitFor(async () => {
      await admin.query(`PURGE BINARY LOGS TO '${logs.at(-1)!.Log_name}'`);
      return (await admin.query('SHOW BINARY LOGS')).length === 1;
    });
    await engine.start(there);
    await expect(target.follow(migration, ticket, tunnel, never)).rejects.toMatchObject({ code: 'not_in_sync' });
    expect(await source.open(migration)).toMatchObject({ fresh: true });
    await copyAndFollow();
    expect(await verify()).toEqual([]);
  });

  test('an account that may ignore read_only may not on the copy, and may again when it is opened', async () => {
    const root = await servers.client(here, 'admin');
    await root.batch(
      `CREATE OR REPLACE USER 'bo''ss'@'%' IDENTIFIED BY 'b'`,
      `GRANT ALL PRIVILEGES ON *.* TO 'bo''ss'@'%' WITH GRANT OPTION`,
    );
    await copyAndFollow();
    const boss = await servers.client(there, [`bo'ss`, 'b']);
    await expect(boss.query(`INSERT INTO t (v) VALUES ('stray')`)).rejects.toMatchObject({ errno: 1290 });
    await stopServer(there, 'kill');
    await engine.start(there);
    await target.follow(migration, ticket, tunnel, never);
    const again = await servers.client(there, [`bo'ss`, 'b']);
    await expect(again.query(`INSERT INTO t (v) VALUES ('stray')`)).rejects.toMatchObject({ errno: 1290 });
    await target.rehearse(migration, tunnel, never);
    await source.ready(migration);
    const proof = Promise.withResolvers<string | null>();
    const applied = target.applied(migration, 1, soon(), proof.promise);
    await source.fence(soon());
    proof.resolve((await source.mark(migration, 1, soon())) ?? null);
    await applied;
    await source.seal();
    await target.activate(1);
    await again.query(`INSERT INTO t (v) VALUES ('new side')`);
    await expect(target.copy(migration, ticket, tunnel, () => {}, never)).rejects.toMatchObject({
      code: 'engine_refused',
    });
    await target[Symbol.asyncDispose]();
    const grants = async (client: Client) => JSON.stringify(await client.query(`SHOW GRANTS FOR 'bo''ss'@'%'`));
    expect(await grants(await servers.client(there, 'admin'))).toBe(await grants(root));
  });
});
