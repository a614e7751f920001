import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pair } from '../testing/pair.ts';
import { installed, Servers } from '../testing/servers.ts';

const servers = new Servers();
let pair: Pair;

describe.skipIf(!installed)('events at the seal', () => {
  beforeAll(async () => {
    pair = await Pair.of(servers);
    const admin = await servers.client(pair.serves.instance, 'admin');
    await admin.batch(
      `CREATE USER boss IDENTIFIED BY 'b'`,
      'GRANT ALL PRIVILEGES ON *.* TO boss WITH GRANT OPTION',
      'CREATE TABLE ticks (id BIGINT AUTO_INCREMENT PRIMARY KEY)',
    );
    const makers = [
      await servers.client(pair.serves.instance),
      await servers.client(pair.serves.instance, ['boss', 'b']),
    ];
    for (const [at, maker] of makers.entries())
      for (let n = 0; n < 4; n++)
        await maker.query(
          `CREATE EVENT tick_${at}_${n} ON SCHEDULE EVERY 1 SECOND DO INSERT INTO ticks VALUES (NULL), (NULL)`,
        );
    await pair.copy();
  }, 60_000);
  afterAll(async () => {
    await pair?.dispose();
    await servers.dispose();
  });

  test('those that wait for the fence, and those whose time comes, write nothing more on the old side', async () => {
    const { serves } = pair;
    const before = await servers.client(serves.instance, 'admin');
    await expect
      .poll(() => before.value('SELECT COUNT(*) FROM ticks').then(Number), { timeout: 20_000 })
      .toBeGreaterThan(16);
    await pair.prepare();
    await pair.freeze();
    const atTheMarker = await before.value('SELECT COUNT(*) FROM ticks');
    // Until events of every account have come to the locks.
    await expect.poll(() => waiting(before), { timeout: 20_000 }).toBeGreaterThan(7);
    await before.query('SET GLOBAL general_log = ON');
    await serves.source.seal();
    await expect.poll(() => before.value('SELECT @@event_scheduler'), { timeout: 20_000 }).toBe('OFF');
    await sleep(1_200);
    expect(await waiting(before)).toBe(0);
    expect(await before.value('SELECT COUNT(*) FROM ticks')).toBe(atTheMarker);
    // An event whose time comes just between the two would write, whoever made it.
    const said = readFileSync(
      `${serves.instance.folder}/data/${await before.value('SELECT @@general_log_file')}`,
      'utf8',
    );
    const [off, freed] = [said.indexOf('event_scheduler = OFF'), said.indexOf('UNLOCK TABLES')];
    expect(off).toBeGreaterThan(0);
    expect(freed).toBeGreaterThan(off);
  }, 60_000);
});

const waiting = async (admin: { query(sql: string): Promise<Record<string, string | null>[]> }) => {
  const list = await admin.query('SHOW FULL PROCESSLIST');
  return list.filter(({ Info }) => Info?.startsWith('INSERT INTO ticks')).length;
};
