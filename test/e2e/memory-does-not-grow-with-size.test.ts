import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runStorky } from '../support/spawned.ts';
import { type Filling, fill } from './stage/filling.ts';
import type { Region } from './stage/region.ts';
import { openSmallApp } from './stage/small-app.ts';
import { Stage } from './stage/stage.ts';

const files = 'files: [{ name: data, path: data }]';
const addon = (engine: string) => `addons: [{ name: db, engine: ${engine}, plan: starter-512 }]`;

/** What is promised, and how much later V8's collectors may come on a busy machine. */
const mostMegabytes = 200;
const lateMegabytes = 20;

/** Each a small app and one that is many times larger. */
const kinds: Record<string, { manifest: string; small: Filling; large: Filling }> = {
  postgresql: {
    manifest: `${addon('postgresql')}\n${files}`,
    small: { postgresql: { rows: 40, wideValues: 1 }, largeFiles: { solid: 20, holes: 30 } },
    large: { postgresql: { rows: 400, wideValues: 4 }, largeFiles: { solid: 200, holes: 300 } },
  },
  mariadb: {
    manifest: addon('mariadb'),
    small: { mariadb: { rows: 5, wideValues: 1 } },
    large: { mariadb: { rows: 50, wideValues: 8 } },
  },
  redis: {
    manifest: addon('redis'),
    small: { redis: { rows: 5, wideValues: 1 } },
    large: { redis: { rows: 50, wideValues: 6 } },
  },
  'small files': { manifest: files, small: { smallFiles: 4_000 }, large: { smallFiles: 40_000 } },
};

it.each(Object.keys(kinds))(
  'an agent needs no more memory for ten times the data, and less than 200 MB where its collectors come in time: %s',
  async (kind) => {
    const { manifest, small, large } = kinds[kind]!;
    const stage = await Stage.set();
    const { west, east } = stage;
    // An installed package has no TypeScript, and what Node needs to make programs of it is no part of an agent's memory: the
    // second start finds them in the cache that the first one wrote at its end.
    for (const region of [west, east]) {
      await region.agent.kill();
      await region.startAgent();
    }
    const little = await peaksOfMove(stage, 'small', manifest, small);
    const much = await peaksOfMove(stage, 'large', manifest, large);
    console.log(
      `${kind}: peak memory of source and target: ${little} MB for the small app, ${much} MB for the large one`,
    );
    for (const n of [0, 1]) {
      expect(much[n]).toBeLessThan(mostMegabytes + lateMegabytes);
      expect(much[n]! - little[n]!).toBeLessThan(50);
    }
  },
  300_000,
);

/** Peak resident megabytes of both agents. */
async function peaksOfMove(stage: Stage, app: string, manifest: string, filling: Filling): Promise<number[]> {
  const { west, east } = stage;
  await openSmallApp(stage, west, app, manifest);
  const rows = await fill(west, app, filling);
  for (const region of [west, east]) writeFileSync(`/proc/${region.agent.pid}/clear_refs`, '5');
  const args = ['move', app, '--from', 'west', '--to', 'east', '--yes'];
  const { code, output } = await runStorky(args, { env: stage.env });
  expect(code, output).toBe(0);
  const [migration] = await stage.api.migrations.list({ app });
  const compared = migration!.report.stores.map(({ rowsCompared, filesCompared }) => rowsCompared + filesCompared);
  expect(compared.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(rows);
  return [west, east].map(peakMegabytes);
}

const peakMegabytes = ({ agent }: Region): number =>
  Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))![1]) / 1000);
