import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inventory } from '../testing/inventory.ts';
import { Pair } from '../testing/pair.ts';
import { installed, Servers } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';

const servers = new Servers();
let pair: Pair;

describe.skipIf(!installed)('four switches to and fro', () => {
  beforeAll(async () => {
    pair = await Pair.of(servers);
    const app = await servers.client(pair.serves.instance);
    await app.batch(
      'CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))',
      'CREATE TABLE fired (id BIGINT PRIMARY KEY)',
      'CREATE TABLE ticks (at TIMESTAMP(6) PRIMARY KEY, server BIGINT)',
      'CREATE TRIGGER fire AFTER INSERT ON t FOR EACH ROW INSERT INTO fired VALUES (NEW.id)',
      'CREATE EVENT tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO ticks VALUES (SYSDATE(6), @@server_id)',
      'CREATE SEQUENCE numbers CACHE 10',
    );
    await pair.copy();
  }, 60_000);
  afterAll(async () => {
    await pair?.dispose();
    await servers.dispose();
  });

  test('lose nothing, bring nothing twice, and give no number a second time', async () => {
    const before = (await inventory(await servers.client(pair.serves.instance, 'admin'))).filter(ofApp);
    const ledger = new Ledger();
    for (let round = 0; round < 4; round++) {
      const writers = [ledger.writer(), ledger.writer(), ledger.writer()];
      await sleep(400);
      await pair.prepare();
      const served = Number(await (await servers.client(pair.serves.instance)).value('SELECT @@server_id'));
      await pair.turnOver();
      await Promise.all(writers);
      const writersThere = [ledger.writer(), ledger.writer()];
      await pair.begin();
      await pair.tidy(pair.old.id);
      await pair.caughtUp();
      expect(await pair.differences()).toEqual([]);
      ledger.stop();
      await Promise.all(writersThere);
      ledger.go();
      await assertOnlyOwn(await servers.client(pair.other.instance, 'admin'), served);
    }
    await pair.caughtUp();
    expect(await pair.differences()).toEqual([]);
    for (const side of [pair.serves, pair.other]) {
      const admin = await servers.client(side.instance, 'admin');
      const rows = new Map((await admin.query('SELECT id, v FROM t')).map(({ id, v }) => [id!, v!]));
      for (const [id, value] of ledger.acknowledged) expect(rows.get(id)).toBe(value);
      // A write that was never answered may be there, but no other: each is there once.
      const values = [...rows.values()];
      expect(new Set(values).size).toBe(values.length);
      expect(await admin.value('SELECT COUNT(*) FROM fired')).toBe(String(rows.size));
    }
    expect(ledger.acknowledged.size).toBeGreaterThan(100);
    expect(ledger.twice).toEqual([]);
    const ticks = await (await servers.client(pair.serves.instance)).query('SELECT DISTINCT server FROM ticks');
    expect(ticks.length).toBe(2);
    await pair.other.target.close(pair.stream.id);
    await pair.serves.source.close(pair.stream.id);
    expect((await inventory(await servers.client(pair.serves.instance, 'admin'))).filter(ofApp)).toEqual(before);
  }, 60_000);
});

const ofApp = (line: string) => !/storky|^stream/.test(line);

/** No echo: the log of a side has what was written there, and nothing that the stream brought. */
async function assertOnlyOwn(admin: Client, served: number): Promise<void> {
  expect(Number(await admin.value('SELECT @@server_id'))).toBe(served);
  for (const { Log_name } of await admin.query('SHOW BINARY LOGS'))
    for (const { Event_type, Server_id } of await admin.query(`SHOW BINLOG EVENTS IN '${Log_name}'`))
      if (Event_type === 'Gtid') expect(Number(Server_id)).toBe(served);
}

/** Writers that write where the app is served until it is sealed, and remember what was acknowledged to them. */
class Ledger {
  readonly acknowledged = new Map<string, string>();
  /** Numbers that were given a second time. */
  readonly twice: string[] = [];
  readonly #numbers = new Set<string>();
  #stopped = false;
  #count = 0;

  stop(): void {
    this.#stopped = true;
  }

  go(): void {
    this.#stopped = false;
  }

  async writer(): Promise<void> {
    const client = await servers.client(pair.serves.instance);
    while (!this.#stopped) {
      const value = `value ${this.#count++}`;
      try {
        const answers = await client.batch(
          `INSERT INTO t (v) VALUES ('${value}')`,
          'SELECT LAST_INSERT_ID() AS id, NEXTVAL(numbers) AS number',
        );
        const { id, number } = answers[1]![0]!;
        if (this.acknowledged.has(id!) || this.#numbers.has(number!)) this.twice.push(`${id} ${number}`);
        this.acknowledged.set(id!, value);
        this.#numbers.add(number!);
      } catch {
        return;
      }
      await sleep(2);
    }
  }
}
