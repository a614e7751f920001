import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { runStorky } from '../support/spawned.ts';
import { waitFor } from '../support/wait-for.ts';
import { grow } from './stage/database.ts';
import { atRest, create, run, show } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { openSmallApp } from './stage/small-app.ts';
import { Stage } from './stage/stage.ts';

const megabyte = 1_000_000;
const stores = `
addons: [{ name: db, engine: postgresql, plan: starter-512 }]
files: [{ name: data, path: data }]
`;

/** Answers after as many milliseconds as it is asked for. */
const patient = `
require('node:http')
  .createServer((request, response) => setTimeout(() => response.end('ok'), Number(request.url.slice(1))))
  .listen(process.env.PORT, '127.0.0.1');
`;

async function stageWithData(): Promise<Stage> {
  const stage = await Stage.set();
  await openSmallApp(stage, stage.west, 'shop', stores, patient);
  await grow(stage.west.databaseUrl('shop', 'admin'), 60);
  writeFileSync(join(stage.west.treeFolder('shop', 'data'), 'large'), randomBytes(20 * megabyte));
  return stage;
}

it('a limit is kept by database and files together, can be changed while they are copied, and the report says so', async () => {
  const stage = await stageWithData();
  const limit = 4 * megabyte;
  const { id } = await create(stage, { copyLimit: limit });
  await run(stage, id, 'prepare');
  await stage.api.migrations.run({ app: 'shop', id, step: 'data' });
  const { bytes, seconds } = await waitFor(
    async () => {
      const { pressure } = (await show(stage, id)).report;
      return pressure && pressure.seconds > 4 ? pressure : undefined;
    },
    { timeout: 90_000, what: 'some seconds of copying' },
  );
  // What a stream has read at the moment in which it has to rest is spent already.
  expect(bytes).toBeLessThan(limit * seconds + 2 * megabyte);
  expect(bytes).toBeGreaterThan(limit * seconds * 0.3);

  const { code, output } = await runStorky(['--app', 'shop', 'migration-limit', id, 'none'], { env: stage.env });
  expect(code, output).toBe(0);
  expect(output).toContain('as fast as the source bears');
  const { status, report, copyLimit } = await atRest(stage, id);
  expect(status).toBe('data-migrated');
  expect(copyLimit).toBeNull();
  expect(report.pressure!.bytes).toBeGreaterThan(70 * megabyte);
  expect(report.pressure!.heldBackMs).toBeGreaterThan(1_000);
  expect(report.pressure!.bytes / report.pressure!.seconds).toBeGreaterThan(limit * 1.2);
  const again = await runStorky(['--app', 'shop', 'migration-follow', id], { env: stage.env });
  expect(again.output).toMatch(/Copy: .* a second.*held back for/);

  const wrong = await runStorky(['--app', 'shop', 'migration-limit', id, '20'], { env: stage.env });
  expect(wrong.code).not.toBe(0);
  expect(wrong.output).toContain('20MB/s');
}, 300_000);

it('a copy slows down while the app answers slowly, and is quick again when it does not', async () => {
  const stage = await stageWithData();
  const visitors = visit(stage.west);
  await waitFor(() => visitors.answered > 100, { what: 'answers before the copy' });
  // Slow enough to be watched, as long as the governor does not slow it further.
  const { id } = await create(stage, { copyLimit: 6 * megabyte });
  await run(stage, id, 'prepare');
  await stage.api.migrations.run({ app: 'shop', id, step: 'data' });
  await waitFor(async () => (await show(stage, id)).report.pressure?.beforeP99Ms != null, { timeout: 30_000 });
  visitors.askFor(400);
  const slowed = await waitFor(
    async () => {
      const { pressure } = (await show(stage, id)).report;
      return pressure?.lowestBytesPerSecond == null ? undefined : pressure;
    },
    { timeout: 60_000, what: 'a slower copy' },
  );
  expect(slowed).toMatchObject({ by: 'requests' });
  expect(slowed.lowestBytesPerSecond!).toBeLessThan(6 * megabyte);
  expect(slowed.duringP99Ms!).toBeGreaterThan(slowed.beforeP99Ms! + 100);
  visitors.askFor(0);
  await stage.api.migrations.limit({ app: 'shop', id, copyLimit: null });
  const { status, report } = await atRest(stage, id);
  expect(status).toBe('data-migrated');
  expect(report.stores.find(({ name }) => name === 'db')!.rowsCompared).toBe(60_000);
  expect(await visitors.stop()).toEqual([]);
}, 300_000);

/** Asks all the time; `stop` says what was not answered well. */
function visit(region: Region) {
  const failures: string[] = [];
  let [answered, ms, over] = [0, 0, false];
  const visitor = async () => {
    while (!over) {
      const { statusCode, body } = await request(`${region.url}/${ms}`, { headers: { host: 'shop.west.localhost' } });
      await body.dump();
      if (statusCode === 200) answered++;
      else failures.push(String(statusCode));
      await sleep(20);
    }
  };
  const all = Promise.all(Array.from({ length: 8 }, visitor));
  all.catch((error) => failures.push(String(error)));
  onTestFinished(() => {
    over = true;
  });
  return {
    get answered() {
      return answered;
    },
    askFor: (each: number) => {
      ms = each;
    },
    stop: async () => {
      over = true;
      await all.catch(() => {});
      return failures;
    },
  };
}
