import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { redisAt } from '../tally/place.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { create, through } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { closeTheLedger, visit } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

const added = ['sessions', 'queue', 'cache', 'own'] as const;
const carriers = { db: 'remote', sessions: 'backup', queue: 'live', cache: 'provision', own: 'manual' } as const;

/** One copy at a time: more than that wait, and none for ever. */
const region = () => ({ args: ['--copies', '1'] });

it('one app, every carrier: each addon comes across in its own way, and the files live', async () => {
  const stage = await Stage.set({ region });
  const { west, east } = stage;
  const visitors = await visitedShop(stage, (folder) => {
    const lines = added.map((name) => `  - { name: ${name}, engine: redis, plan: sandbox }\n`).join('');
    const manifest = join(folder, 'storky.yaml');
    writeFileSync(
      manifest,
      readFileSync(manifest, 'utf8').replace(/^ {2}- \{ name: db, .*\n/m, (db) => `${db}${lines}`),
    );
  });
  for (const name of added) await at(west, name, (redis) => redis.set('where', `${name} in west`));

  const { id, status, report } = await create(stage, { carriers });
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  expect(Object.fromEntries(report.stores.map(({ name, carrier }) => [name, carrier]))).toEqual({
    ...carriers,
    uploads: 'live',
  });
  await through(stage, id, 'prepare');
  await visitors.stop(); // the carrier `backup` stops the app
  const stopping = Date.now();
  const followed = await through(stage, id, 'data');
  expect(followed.status, JSON.stringify(followed.steps.at(-1))).toBe('data-migrated');
  await at(east, 'own', (redis) => redis.set('where', 'carried by hand'));
  const done = await through(stage, id, 'finalize');
  expect(done.status, JSON.stringify(done.steps.at(-1))).toBe('done');
  expect(followed.report.stoodStill!.ms).toBeNull();
  expect(done.report.stoodStill!.ms).toBeGreaterThan(0);
  expect(done.report.stoodStill!.ms).toBeLessThanOrEqual(Date.now() - stopping);
  expect(done.report.wayBack).toMatchObject({ open: false, reason: expect.stringContaining('sessions is carried by') });

  const there = await Promise.all(added.map((name) => at(east, name, (redis) => redis.get('where'))));
  expect(there).toEqual(['sessions in west', 'queue in west', null, 'carried by hand']);
  // What the app has left takes no writes any more; what it uses from afar does.
  for (const name of added)
    await expect(
      at(west, name, (redis) => redis.set('where', 'stray')),
      name,
    ).rejects.toThrow(/^(?!.*is silent)/);
  const later = visit(west);
  await areServed(later, 60);
  await closeTheLedger(later, { database: west, files: east });
  await closeTheLedger(visitors, { database: west, files: east });
});

async function at<T>(
  region: Region,
  addon: string,
  ask: (redis: ReturnType<typeof redisAt>) => Promise<T>,
): Promise<T> {
  const redis = redisAt(region.document('shop').instances.find((known) => known.addon === addon)!);
  try {
    const silent = async () => {
      await sleep(15_000, undefined, { ref: false });
      throw new Error(`${addon} in ${region.name} is silent: ${redis.status}`);
    };
    return await Promise.race([ask(redis), silent()]);
  } finally {
    redis.disconnect();
  }
}
