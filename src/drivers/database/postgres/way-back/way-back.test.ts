import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventory } from '../testing/catalog-inventory.ts';
import { Pair } from '../testing/pair.ts';

const pair = new Pair();
let before: { here: string[]; there: string[] };

/** Roles, rights, settings, triggers: all that an app could notice. Whether a table ever had triggers is only the server's note. */
const remains = async (side: 'a' | 'b') => plain(await inventory(await pair.client(pair[side], 'admin')));
const plain = (lines: string[]) => lines.map((line) => (line.startsWith('class ') ? line.replace(/ [tf]$/, '') : line));

beforeAll(async () => {
  await pair.begin(`
    CREATE TABLE t (id bigserial PRIMARY KEY, v text); CREATE TABLE nokey (v text, n int);
    CREATE TABLE uniq (k text NOT NULL UNIQUE, v text);
    INSERT INTO t (v) SELECT 'before ' || g FROM generate_series(1, 1000) g; INSERT INTO nokey SELECT 'same', 1 FROM generate_series(1, 5);`);
  before = pair.before;
}, 60_000);
afterAll(() => pair.dispose());

test('the way back is prepared and proven while the app is served, and nothing of the probe is left', async () => {
  const untouched = await remains('a');
  await pair.prepareWayBack();
  const { ticket } = pair.back!;
  await pair.prepareWayBack();
  expect(pair.back!.ticket).toEqual(ticket);
  expect(await remains('a')).toEqual(untouched);
  await pair.app.query(`INSERT INTO t (v) VALUES ('proven')`);
});

test('what is written on the new side arrives on the old one, and only that', async () => {
  await pair.app.query(
    `INSERT INTO t (v) VALUES ('just before the switch'); INSERT INTO nokey VALUES ('just before', 1)`,
  );
  await pair.switchOver();
  // Before the old side follows.
  const app = pair.app;
  await app.query(
    `INSERT INTO t (v) VALUES ('first'); UPDATE nokey SET n = 2 WHERE v = 'same'; INSERT INTO uniq VALUES ('k', 'v')`,
  );
  await pair.beginWayBack();
  await pair.follow();
  await app.query(`UPDATE uniq SET v = 'w' WHERE k = 'k'; INSERT INTO t (v) VALUES ('second')`);
  await pair.caughtUp();
  await pair.copy.target.healthy();
  expect((await pair.copy.target.lag()).bytes).toBeLessThan(100_000);
  const old = await pair.client(pair.copy.instance, 'admin');
  expect((await old.query(`SELECT count(*), count(DISTINCT v) AS different FROM t`)).rows[0]).toEqual({
    count: '1004',
    different: '1004',
  });
  expect((await old.query(`SELECT n, count(*) FROM nokey GROUP BY n ORDER BY n`)).rows).toEqual([
    { n: 1, count: '1' },
    { n: 2, count: '5' },
  ]);
  expect(await pair.differences()).toEqual([]);
  await expect(pair.client(pair.copy.instance)).rejects.toMatchObject({ code: '28000' });
  expect(await pair.serving.source.retained!(pair.stream.id)).toBeGreaterThan(0);
  expect(await pair.serving.source.open(pair.stream.id)).toEqual({ ticket: pair.stream.ticket, fresh: false });
  // Again: nothing is applied twice.
  await pair.beginWayBack();
  expect(await pair.differences()).toEqual([]);
}, 60_000);

test('the stream that brought the app ends without the one back', async () => {
  await pair.tidy();
  await pair.app.query(`INSERT INTO t (v) VALUES ('after the tidying')`);
  await pair.caughtUp();
  expect(await pair.differences()).toEqual([]);
  await expect(pair.client(pair.copy.instance)).rejects.toMatchObject({ code: '28000' });
});

test('a switch back loses nothing, counters go on, and the first home is as it was', async () => {
  await pair.copy.target.standby();
  const reader = await pair.client(pair.copy.instance);
  expect((await reader.query(`SELECT count(*) FROM t`)).rows[0].count).toBe('1005');
  await expect(reader.query(`INSERT INTO t (v) VALUES ('too early')`)).rejects.toMatchObject({ code: '25006' });
  await pair.prepareWayBack();
  await pair.app.query(`INSERT INTO t (v) VALUES ('just before the way back')`);
  await pair.switchOver();
  await pair.app.query(`INSERT INTO t (v) VALUES ('at home')`);
  await pair.beginWayBack();
  await pair.follow();
  await pair.tidy();
  await pair.app.query(`INSERT INTO uniq VALUES ('x', 'y')`);
  await pair.caughtUp();
  expect(await pair.differences()).toEqual([]);
  const { rows } = await pair.app.query(`SELECT count(*), max(id)::int - count(*) AS gaps FROM t`);
  expect(rows[0]).toEqual({ count: '1007', gaps: '0' });
}, 60_000);

test('at the end nothing is left where the app is served, and the other side stays sealed', async () => {
  await pair.copy.target.standby();
  await pair.copy.target.close(pair.stream.id);
  await pair.serving.source.close(pair.stream.id);
  expect(await remains('a')).toEqual(plain(before.here));
  await expect(pair.client(pair.copy.instance)).rejects.toMatchObject({ code: '28000' });
  await pair.copy.source.unfence();
  const trace = (lines: string[]) => lines.filter((line) => /storky/.test(line));
  expect(trace(await remains('b'))).toEqual(trace(plain(before.there)));
});
