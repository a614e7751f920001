import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { carriedTables } from '../catalog.ts';
import { engine } from '../engine.ts';
import { installed, never, Servers } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';
import { qualified } from '../wire/sql.ts';
import type { CopyJob } from './copy.ts';
import { copyRows } from './copy-rows.ts';
import { buildIndexes } from './indexes.ts';
import { cuts, partsOf } from './parts.ts';

test('cuts are in order, none twice, and leave something on both sides', () => {
  const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(whole, whole, fc.integer({ min: 2, max: 500 }), (a, b, count) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      const values = cuts(low, high, count);
      expect(values.length).toBeLessThan(count);
      for (const [n, value] of values.entries()) {
        expect(value >= low && value < high).toBe(true);
        if (n > 0) expect(value > values[n - 1]!).toBe(true);
      }
    }),
  );
});

const servers = new Servers();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let app: Client;

describe.skipIf(!installed)('the copy of a large table', () => {
  beforeAll(async () => {
    [here, there] = [await servers.provision('here'), await servers.provision('there')];
    tunnel = await Tunnel.to(here);
    app = await servers.client(here);
  }, 60_000);
  afterAll(async () => {
    tunnel?.close();
    await servers.dispose();
  });

  test('rows that the table over here cannot take are not passed over in silence', async () => {
    await app.batch(
      'CREATE TABLE strict (id INT PRIMARY KEY, u INT)',
      'INSERT INTO strict VALUES (1, 5), (2, 5), (3, 6)',
    );
    const copy = await servers.client(there, 'admin');
    await copy.query('CREATE TABLE strict (id INT PRIMARY KEY, u INT UNIQUE)');
    const job = { instance: there, report: () => {}, signal: never } as unknown as CopyJob;
    await expect(copyRows(job, [app])).rejects.toMatchObject({
      code: 'engine_refused',
      message: expect.stringContaining('1 rows of `shop-db_1`.`strict` do not fit'),
    });
    await app.query('DROP TABLE strict');
  });

  test('values of any length arrive as they are, also those that take several packets', async () => {
    const lengths = [
      0, 250, 251, 65_535, 65_536, 131_060, 131_072, 262_144, 16_777_194, 16_777_215, 16_777_216, 40_000_000,
    ];
    await app.query('CREATE TABLE wide (id INT PRIMARY KEY, a LONGBLOB, n LONGBLOB, b LONGBLOB)');
    const special = "CONCAT(CHAR(9, 10, 92, 251, 0), 'x')";
    for (const [id, length] of lengths.entries())
      await app.query(
        `INSERT INTO wide VALUES (${id}, LEFT(REPEAT(${special}, ${length} / 6 + 1), ${length}), NULL, 'end\\t')`,
      );
    const copy = await servers.client(there, 'admin');
    await copy.query('CREATE TABLE wide (id INT PRIMARY KEY, a LONGBLOB, n LONGBLOB, b LONGBLOB)');
    await copyRows({ instance: there, report: () => {}, signal: never } as unknown as CopyJob, [app]);
    const sums = 'SELECT id, LENGTH(a), MD5(a), n, b FROM wide ORDER BY id';
    expect(await copy.query(sums)).toEqual(await app.query(sums));
    await app.query('DROP TABLE wide');
    await copy.query('DROP TABLE wide');
  }, 60_000);

  test('a copy that is not wanted any more does not wait for the indexes that it builds', async () => {
    const admin = await servers.client(there, 'admin');
    const reader = await servers.client(there, 'admin');
    await admin.query('CREATE TABLE indexed (id INT PRIMARY KEY, v INT)');
    const [schema] = (await carriedTables(admin)).filter(({ name }) => name === 'indexed').map((table) => table.schema);
    // As long as this one reads, nothing changes the table.
    await reader.query(`LOCK TABLES ${qualified(schema!, 'indexed')} READ`);
    const given = new AbortController();
    const outcome = buildIndexes(
      there,
      admin,
      { schema: schema!, name: 'indexed' },
      ['KEY by_v (v)'],
      given.signal,
    ).then(
      () => 'built',
      (error: Error) => error.message,
    );
    const waits = () =>
      reader.query(
        `SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'ALTER TABLE%by_v%' AND ID = ${admin.threadId}`,
      );
    await waitFor(async () => (await waits()).length > 0, { what: 'the indexes to be built' });
    given.abort(new Error('it is not wanted any more'));
    // Whoever waited for it would wait for ever.
    expect(await outcome).toBe('it is not wanted any more');
    await reader.query('UNLOCK TABLES');
    await admin.query(`DROP TABLE ${qualified(schema!, 'indexed')}`);
  });

  test('its parts are all of it, each row in one of them, whatever the numbers', async () => {
    await app.batch(
      'CREATE TABLE negative (id TINYINT PRIMARY KEY)',
      'INSERT INTO negative SELECT CAST(seq AS SIGNED) - 129 FROM seq_1_to_256',
      'CREATE TABLE huge (id BIGINT UNSIGNED, n INT, PRIMARY KEY (id, n), KEY (n))',
      'INSERT INTO huge SELECT 18446744073709551615 - seq * seq, seq FROM seq_0_to_999',
      'INSERT INTO huge SELECT 18446744073709551615, seq FROM seq_1_to_50',
      'CREATE TABLE single (id INT PRIMARY KEY)',
      'INSERT INTO single VALUES (7)',
      'CREATE TABLE nothing (id INT PRIMARY KEY)',
      'CREATE TABLE words (w VARCHAR(10) PRIMARY KEY)',
      `INSERT INTO words SELECT seq FROM seq_1_to_100`,
      'CREATE TABLE parted (at INT, id INT, PRIMARY KEY (at, id)) PARTITION BY RANGE (at) (PARTITION p0 VALUES LESS THAN (50), PARTITION p1 VALUES LESS THAN MAXVALUE)',
      'INSERT INTO parted SELECT seq MOD 100, seq FROM seq_1_to_1000',
    );
    const cut: Record<string, number> = {};
    for (const { schema, name } of await carriedTables(app)) {
      const parts = await partsOf(app, { schema, name, bytes: 8_000 }, 1_000);
      const whole = await app.query(`SELECT * FROM ${name}`);
      const read = (await Promise.all(parts.map((part) => app.query(`SELECT * FROM ${name} ${part}`)))).flat();
      const sorted = (rows: object[]) => rows.map((row) => JSON.stringify(row)).sort();
      expect(sorted(read)).toEqual(sorted(whole));
      cut[name] = parts.length;
    }
    expect(cut).toEqual({ negative: 8, huge: 8, single: 1, nothing: 1, words: 1, parted: 8 });
  });

  test('several sessions copy it at once, also where it gives numbers by itself, and its indexes come after the last part', async () => {
    await app.batch(
      'CREATE TABLE large (id INT AUTO_INCREMENT PRIMARY KEY, v MEDIUMTEXT, n INT, KEY by_n (n))',
      `INSERT INTO large (id, v, n) SELECT CAST(seq AS SIGNED) - 3000, REPEAT(MD5(seq), 800), seq MOD 7 FROM seq_1_to_6000`,
      'ANALYZE TABLE large',
    );
    const large = (await carriedTables(app))[0]!;
    const parts = await partsOf(app, large);
    expect([large.name, parts.length]).toEqual(['large', expect.any(Number)]);
    expect(parts.length).toBeGreaterThan(1);
    const migration = randomUUID();
    const [source, target] = [engine.source(here), engine.target(there)];
    const { ticket } = await source.open(migration);
    const { items } = await target.copy(migration, ticket, tunnel, () => {}, never);
    expect(items).toBeGreaterThanOrEqual(6_000);
    const copy = await servers.client(there, 'admin');
    const contents =
      'SELECT COUNT(*) AS n, MIN(id) AS low, MAX(id) AS high, BIT_XOR(CRC32(CONCAT(id, v, n))) AS sum FROM large';
    expect(await copy.query(contents)).toEqual(await app.query(contents));
    const shape = async (client: Client) => (await client.query('SHOW CREATE TABLE large'))[0];
    expect(await shape(copy)).toEqual(await shape(app));
    await source.close(migration);
    await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
  }, 60_000);
});
