import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bookmark } from '../../../store.ts';
import { engine } from '../engine.ts';
import { Clusters, never, Tunnel } from '../testing/clusters.ts';

const clusters = new Clusters();
const migration = randomUUID();
let tunnel: Tunnel;
let verify: (bookmark: Bookmark, cutAfter?: number) => Promise<{ items: number; differences: string[]; first: number }>;
let spoil: (sql: string) => Promise<unknown>;

beforeAll(async () => {
  const here = await clusters.provision('here');
  const there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  const app = await clusters.client(here);
  await app.query(`CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT g, 'v' FROM generate_series(1, 90000) g;
    CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT g, 'v' FROM generate_series(1, 50000) g`);
  const target = engine.target(there);
  const { ticket } = await engine.source(here).open(migration);
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.follow(migration, ticket, tunnel, never);
  verify = async (bookmark, cutAfter = Number.POSITIVE_INFINITY) => {
    let [first, ranges] = [0, 0];
    const rest = async () => {
      if (++ranges >= cutAfter) throw new Error('the agent died');
    };
    const endpoint = { host: tunnel.host, port: tunnel.port, openStream: tunnel.openStream, rest, bookmark };
    const report = ({ done }: { done: number }) => {
      first ||= done;
    };
    return { ...(await target.verify(migration, ticket, endpoint, report, never)), first };
  };
  const admin = await clusters.client(there, 'admin');
  spoil = (sql) => admin.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`);
}, 60_000);

afterAll(async () => {
  tunnel?.close();
  await clusters.dispose();
});

function bookmark(): Bookmark & { kept: ReturnType<Bookmark['get']> } {
  return {
    kept: null,
    get() {
      return this.kept;
    },
    set(at, items) {
      this.kept = { at, items };
    },
    clear() {
      this.kept = null;
    },
  };
}

test('a comparison that is cut short goes on where it was, and not again from the beginning', async () => {
  const kept = bookmark();
  await expect(verify(kept, 3)).rejects.toThrow('the agent died');
  expect(kept.kept).toMatchObject({ items: 60_003 });
  expect(await verify(kept)).toMatchObject({ items: 140_000, differences: [], first: 80_004 });
  expect(kept.kept).toBeNull();
});

test('a table that was compared to its end is not compared again, and a later one is', async () => {
  const kept = bookmark();
  await expect(verify(kept, 6)).rejects.toThrow('the agent died');
  expect(kept.kept).toMatchObject({ items: 110_001 });
  await spoil('UPDATE b SET v = $$w$$ WHERE id = 45000');
  expect(await verify(kept)).toMatchObject({ differences: ['public.b: the row id = 45000 differs'], first: 130_002 });
  await spoil('UPDATE b SET v = $$v$$ WHERE id = 45000');
});

test('what was found before the cut is found again: nothing is remembered from the first difference on', async () => {
  const kept = bookmark();
  await spoil('UPDATE a SET v = $$w$$ WHERE id = 30000');
  await expect(verify(kept, 4)).rejects.toThrow('the agent died');
  expect(kept.kept).toMatchObject({ items: 20_001 });
  expect(await verify(kept)).toMatchObject({ items: 140_000, differences: ['public.a: the row id = 30000 differs'] });
});
