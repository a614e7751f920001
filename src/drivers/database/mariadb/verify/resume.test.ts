import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import type { Bookmark } from '../../../store.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import { engine } from '../engine.ts';
import { installed, never, Servers } from '../testing/servers.ts';

const servers = new Servers();
afterAll(() => servers.dispose());

test.skipIf(!installed)(
  'a comparison that is cut short goes on where it was',
  async () => {
    const migration = randomUUID();
    const [here, there] = [await servers.provision('here'), await servers.provision('there')];
    const tunnel = await Tunnel.to(here);
    const app = await servers.client(here);
    await app.batch(
      'CREATE TABLE a (id INT PRIMARY KEY, v TEXT)',
      `INSERT INTO a SELECT seq, 'v' FROM seq_1_to_90000`,
      'CREATE TABLE b (id INT PRIMARY KEY, v TEXT)',
      `INSERT INTO b SELECT seq, 'v' FROM seq_1_to_30000`,
    );
    await using source = engine.source(here);
    await using target = engine.target(there);
    const { ticket } = await source.open(migration);
    await target.copy(migration, ticket, tunnel, () => {}, never);
    await target.standby();
    await target.follow(migration, ticket, tunnel, never);
    let kept: ReturnType<Bookmark['get']> = null;
    const bookmark: Bookmark = {
      get: () => kept,
      set: (at, items) => {
        kept = { at, items };
      },
      clear: () => {
        kept = null;
      },
    };
    const verify = async (cutAfter: number) => {
      let [first, ranges] = [0, 0];
      const rest = async () => {
        if (++ranges >= cutAfter) throw new Error('the agent died');
      };
      const report = ({ done }: { done: number }) => {
        first ||= done;
      };
      const from = { host: tunnel.host, port: tunnel.port, openStream: tunnel.openStream, rest, bookmark };
      return { ...(await target.verify(migration, ticket, from, report, never)), first };
    };
    await expect(verify(3)).rejects.toThrow('the agent died');
    expect(kept).toMatchObject({ items: 60_003 });
    expect(await verify(Number.POSITIVE_INFINITY)).toMatchObject({ items: 120_000, differences: [], first: 80_004 });
    expect(kept).toBeNull();
    tunnel.close();
  },
  60_000,
);
