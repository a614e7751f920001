import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createHardSchema } from '../testing/hard-schema.ts';
import { otherVersions, standInDump } from '../testing/other-versions.ts';
import { Pair } from '../testing/pair.ts';

vi.setConfig({ testTimeout: 180_000 });

const servers = otherVersions();
const fill = (admin: Parameters<typeof createHardSchema>[0]) => createHardSchema(admin, '"Shop ""User"""');
let pair: Pair | undefined;

beforeAll(() => {
  process.env.STORKY_POSTGRES_DIRS = servers.join(':');
});
afterAll(() => pair?.dispose());

describe.skipIf(servers.length === 0)('there and back, and there again', () => {
  for (const [a, b] of [
    ['13', '18'],
    ['14', '13'],
    ['15', '17'],
    ['16', '18'],
    ['18', '18'],
  ] as const)
    test(`between ${a} and ${b}`, async () => {
      await pair?.dispose();
      pair = new Pair();
      if (Number(a) > 15) await dumpedBy15(pair, a);
      await pair.begin(fill, { a, b });
      for (let round = 1; round <= 3; round++) {
        if (round > 1) await pair.copy.target.standby();
        await pair.prepareWayBack();
        await change(pair, 10 * round);
        await pair.switchOver();
        await change(pair, 10 * round + 1);
        await pair.beginWayBack();
        await pair.follow();
        await change(pair, 10 * round + 2);
        await pair.tidy();
        await pair.caughtUp();
        await pair.copy.target.healthy();
        expect(await pair.differences()).toEqual([]);
        await expect(pair.client(pair.copy.instance)).rejects.toMatchObject({ code: '28000' });
      }
      const { rows } = await pair.app.query(`SELECT count(*), max(id) FROM kinds`);
      expect(rows[0]).toEqual({ count: '12', max: 12 });
    });
});

/** One of everything; each round on its own rows. */
async function change(pair: Pair, n: number): Promise<void> {
  await pair.app.query(`UPDATE nokey SET b = 'round ${n}' WHERE a = 3; UPDATE uniq SET b = '${n}' WHERE a = 7; UPDATE toasted SET n = ${n} WHERE id = 3;
    INSERT INTO measure VALUES ('2020-03-03', ${n}), ('2023-03-03', ${n}); INSERT INTO kinds (n) VALUES (${n}); UPDATE parent SET v = '${n}';
    TRUNCATE booking; INSERT INTO "Odd ""Schema"""."Tab.le" VALUES (${-n}, NULL, 'sad', '{}', '{}', 0)`);
}

async function dumpedBy15(pair: Pair, version: string): Promise<void> {
  const twin = await pair.clusters.provision('twin', '15');
  await fill(await pair.client(twin, 'admin'));
  await standInDump(pair.clusters, version, twin);
}
