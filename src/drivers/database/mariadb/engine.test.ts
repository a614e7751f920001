import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Tunnel } from '../conformance/tunnel.ts';
import type { DatabaseInstance } from '../contract.ts';
import { engine } from './engine.ts';
import { createHardSchema } from './testing/hard-schema.ts';
import { dumpOf, inventory } from './testing/inventory.ts';
import { installed, never, Servers, soon } from './testing/servers.ts';
import type { Client } from './wire/connect.ts';

const servers = new Servers();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let admin: Client;

beforeAll(async () => {
  if (!installed) return;
  [here, there] = [await servers.provision('here'), await servers.provision('there')];
  tunnel = await Tunnel.to(here);
  admin = await servers.client(here, 'admin');
  await createHardSchema(admin);
}, 60_000);

afterAll(async () => {
  tunnel?.close();
  await servers.dispose();
});

const schemas = ['shop-db_1', 'Odd `Schema', 'charsets'];

test.skipIf(!installed)(
  'a server with one of everything moves whole, and nothing of the move is left on either side',
  async () => {
    const migration = randomUUID();
    const before = await inventory(admin);
    const source = engine.source(here);
    const target = engine.target(there);
    expect((await source.check()).filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    const { ticket, fresh } = await source.open(migration);
    expect(fresh).toBe(true);
    const app = await servers.client(here);
    await target.copy(migration, ticket, tunnel, () => {}, never);
    expect(await (await servers.client(there, 'admin')).value('SELECT @@event_scheduler')).toBe('OFF');
    await app.query(`INSERT INTO nokey VALUES (11, 'after the snapshot')`);
    expect(await source.open(migration)).toEqual({ ticket, fresh: false });
    await target.standby();
    await target.follow(migration, ticket, tunnel, never);

    await app.batch(
      `UPDATE nokey SET b = 'changed' WHERE a = 3`,
      'DELETE FROM nokey WHERE a = 4',
      `UPDATE uniq SET b = 'u' WHERE a = 7`,
      `INSERT INTO measure VALUES ('2020-03-03', 1), ('2023-03-03', 2)`,
      'UPDATE kinds SET n = n + 1',
      `INSERT INTO parent (v) VALUES ('seen once')`,
      'UPDATE parent SET id = 20 WHERE id = 2',
      'DELETE FROM parent WHERE id = 1',
      `UPDATE words SET w = CONCAT(w, ' é') WHERE n MOD 7 = 0`,
      'SELECT NEXTVAL(counting) FROM seq_1_to_30',
      'TRUNCATE seen',
      `UPDATE rare SET squeezed = 'a', long_unique = CONCAT(long_unique, 'b') WHERE id < 10`,
      'UPDATE rare SET long_unique = NULL WHERE id = 50',
      `DELETE FROM rare FOR PORTION OF valid FROM '2020-03-01' TO '2020-04-01' WHERE id = 50`,
      `UPDATE places SET at = POINT(1, id) WHERE id < 10`,
    );
    // Through the stream as well.
    for (const { name } of await admin
      .query('SHOW TABLES FROM charsets')
      .then((rows) => rows.map((row) => ({ name: Object.values(row)[0]! }))))
      await admin.batch(
        `INSERT INTO charsets.\`${name}\` SELECT id + 1000, k, v, c FROM charsets.\`${name}\``,
        `UPDATE charsets.\`${name}\` SET v = CONCAT(v, k) WHERE id < 1005`,
      );
    await app.batch('BEGIN', `INSERT INTO parent (v) VALUES ('never kept')`, 'ROLLBACK');

    expect((await target.rehearse(migration, tunnel, never)).roundTripMs).toBeGreaterThan(0);
    await target.healthy();
    expect((await target.lag()).bytes).toBeLessThan(100_000);
    const verified = await target.verify(migration, ticket, tunnel, () => {}, never);
    expect(verified.differences).toEqual([]);
    expect(verified.items).toBeGreaterThan(1_100);

    await source.ready(migration);
    const proof = Promise.withResolvers<string | null>();
    const applied = target.applied(migration, 1, soon(), proof.promise);
    applied.catch(() => {});
    await source.fence(soon());
    proof.resolve((await source.mark(migration, 1, soon())) ?? null);
    await applied;
    await source.seal();
    const waiting = await servers.client(there);
    await expect(waiting.query('INSERT INTO seen VALUES (1)')).rejects.toMatchObject({ errno: 1290 });
    await target.activate(1);
    await waiting.query('INSERT INTO seen VALUES (1)');
    await waiting.query('DELETE FROM seen');

    // A sequence goes on a whole cache later: nobody can stop the drawing of numbers in the freeze.
    const rows = async (instance: DatabaseInstance) => (await dumpOf(instance, schemas)).replace(/^DO SETVAL.*$/m, '');
    expect(await rows(there)).toBe(await rows(here));
    const next = (client: Client) => client.value('SELECT NEXTVAL(counting)');
    const copy = await servers.client(there, 'admin');
    expect(Number(await next(copy))).toBeGreaterThanOrEqual(98);
    await copy.query(`INSERT INTO parent (v) VALUES ('first here')`);
    // The number that was given and not kept is not given again.
    expect(await copy.value('SELECT MAX(id) FROM parent')).toBe('22');

    await target.close(migration);
    await source.close(migration);
    await source.unfence();
    await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
    expect(await inventory(admin)).toEqual(before);
    const own = (line: string) => !/^setting|storky_admin/.test(line);
    expect((await inventory(copy)).filter(own)).toEqual(before.filter(own));
    await target.close(migration);
    await source.close(migration);
  },
  120_000,
);
