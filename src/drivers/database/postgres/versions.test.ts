import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DatabaseInstance } from '../contract.ts';
import { engine } from './engine.ts';
import { copyDatabase } from './target/copy.ts';
import { inventory } from './testing/catalog-inventory.ts';
import { Clusters, never, soon, Tunnel } from './testing/clusters.ts';
import { createHardSchema } from './testing/hard-schema.ts';
import { otherVersions, standInDump } from './testing/other-versions.ts';
import { portableStructure } from './testing/portable-structure.ts';
import { readCopyTicket } from './ticket.ts';
import type { Client } from './wire/connect.ts';

// A dozen servers are made, on a disk that others use.
vi.setConfig({ testTimeout: 180_000 });

const servers = otherVersions();
const clusters = new Clusters();
const provisioned = new Map<string, Promise<DatabaseInstance>>();

/** One cluster for each version and role, used again by the next pair: what a move leaves behind would be seen there. */
function cluster(role: 'source' | 'target', version: string): Promise<DatabaseInstance> {
  const name = `${role}-${version}`;
  const made =
    provisioned.get(name) ??
    clusters.provision(name, version).then(async (instance) => {
      if (role === 'source') await fill(await clusters.client(instance, 'admin'), version);
      return instance;
    });
  provisioned.set(name, made);
  return made;
}

/** One of everything, and what only some versions have. */
async function fill(admin: Client, version: string): Promise<void> {
  await createHardSchema(admin, '"Shop ""User"""');
  if (version === '13')
    await admin.query(`ALTER ROLE reader IN DATABASE "shop-db" SET vacuum_cleanup_index_scale_factor TO 1`);
  if (Number(version) >= 16) await admin.query(`GRANT reader TO "Shop ""User""" WITH INHERIT FALSE, SET FALSE`);
}

beforeAll(async () => {
  process.env.STORKY_POSTGRES_DIRS = servers.join(':');
});
afterAll(() => clusters.dispose());

describe.skipIf(servers.length === 0)('a database with one of everything moves', () => {
  for (const [from, to] of [
    ['13', '13'],
    ['13', '15'],
    ['13', '18'],
    ['14', '16'],
    ['15', '17'],
    ['15', '18'],
  ] as const)
    test(`from ${from} to ${to}`, () => move(from, to));

  for (const [from, to] of [
    ['16', '18'],
    ['18', '18'],
  ] as const)
    test(`from ${from} to ${to}; without a pg_dump of that version, what to install is said before`, async () => {
      await using source = engine.source(await cluster('source', from));
      const dump = (await source.check()).find(({ id }) => id === 'pg-dump')!;
      if (dump.verdict === 'fail') {
        expect(dump.remedy).toContain(`postgresql-client-${from}`);
        await standInDump(clusters, from, await cluster('source', '15'));
      }
      await move(from, to);
    });
});

async function move(from: string, to: string): Promise<void> {
  const [here, there] = [await cluster('source', from), await cluster('target', to)];
  const tunnel = await Tunnel.to(here);
  const migration = randomUUID();
  const [source, target] = [engine.source(here), engine.target(there)];
  const admin = await clusters.client(here, 'admin');
  const before = await traces(admin);
  try {
    expect((await source.check()).filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    await source.measure();
    const { ticket } = await source.open(migration);
    const app = await clusters.client(here);
    await app.query(`INSERT INTO nokey VALUES (11, 'after the snapshot')`);
    // Between equal versions as if it were large, which asks more of the server.
    const job = { instance: there, ticket: readCopyTicket(ticket), from: tunnel, report: () => {}, signal: never };
    if (from === to) await copyDatabase(job, 0);
    else await target.copy(migration, ticket, tunnel, () => {}, never);
    await target.follow(migration, ticket, tunnel, never);
    await target.standby();
    await app.query(`UPDATE nokey SET b = 'changed' WHERE a = 3; UPDATE toasted SET n = n + 1; UPDATE kinds SET n = n + 1;
      INSERT INTO measure SELECT date '2023-03-03', coalesce(max(v), 0) + 1 FROM measure`);
    // Forced row level security: its owner may not, and so the stream must not write as the owner.
    await admin.query('INSERT INTO secret SELECT coalesce(max(id), 0) + 1 FROM secret');
    await target.rehearse(migration, tunnel, never);
    await target.healthy();
    expect((await target.lag()).bytes).toBeLessThan(1_000_000);
    const { items, differences } = await target.verify(migration, ticket, tunnel, () => {}, never);
    expect(differences).toEqual([]);
    expect(items).toBeGreaterThan(1_100);

    await source.ready(migration);
    const applied = target.applied(migration, 1, soon());
    await source.fence(soon());
    await source.mark(migration, 1, soon());
    await applied;
    await source.seal();
    await target.activate(1);

    const copy = await clusters.client(there, 'admin');
    const moved = await clusters.client(there);
    await moved.query(`INSERT INTO kinds (n) VALUES (9)`);
    await target.close(migration);
    await source.close(migration);
    await source.unfence();
    expect(await portableStructure(copy)).toEqual(await portableStructure(admin));
    expect(await traces(admin)).toEqual(before);
    expect((await inventory(copy)).filter((line) => /storky_(?!admin)/.test(line))).toEqual([]);
  } finally {
    tunnel.close();
    await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
  }
}

/** Before 14 reading is granted table by table, and what is taken back leaves the owner's own privileges written out. */
const traces = async (client: Client) => (await inventory(client)).map((line) => line.replace(/ \{.*\}/, ''));
