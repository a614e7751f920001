import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { postgresPrograms, startPostgres } from '../../test/support/postgres.ts';
import type { Migration } from '../protocol/migration.ts';
import { caught, Harness } from './testing/harness.test-support.ts';

const child = join(import.meta.dirname, 'testing/server-child.test-support.ts');
const phases = ['prepare', 'data', 'finalize'] as const;

const havePostgres = postgresPrograms() !== undefined;
if (!havePostgres) console.warn('PostgreSQL is not installed: the tests of a server on PostgreSQL are skipped');

const kinds = [
  { name: 'embedded state', postgres: false },
  { name: 'state in PostgreSQL', postgres: true },
];

describe.each(kinds)('a server killed with -9, $name', ({ postgres }) => {
  let harness: Harness;
  let marks: string;
  let database: Awaited<ReturnType<typeof startPostgres>> | undefined;
  let server: ChildProcess | undefined;
  let api: Awaited<ReturnType<Harness['api']>>;
  let skip = false;

  const lines = () => {
    try {
      return readFileSync(marks, 'utf8').split('\n');
    } catch {
      return [];
    }
  };
  const seen = async (line: string) => {
    const deadline = Date.now() + 20_000;
    while (!lines().includes(line)) {
      if (Date.now() > deadline) throw new Error(`never saw ${line}`);
      await sleep(5);
    }
  };
  const start = async () => {
    rmSync(marks, { force: true });
    const port = new URL(harness.server.address).port;
    const args = [child, join(harness.folder, 'data'), port, marks, ...(database ? [database.url] : [])];
    server = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await seen('up');
  };
  const kill = async () => {
    const gone = new Promise((resolve) => server!.once('exit', resolve));
    server!.kill('SIGKILL');
    await gone;
    server = undefined;
  };
  const rest = async (app: string, id: string): Promise<Migration> => {
    let last: Migration | undefined;
    for await (const now of await api.migrations.watch({ app, id })) last = now;
    return last!;
  };

  beforeAll(async () => {
    skip = postgres && !havePostgres && process.env.CI !== 'true';
    if (skip) return;
    harness = new Harness();
    marks = join(harness.folder, 'marks');
    if (postgres) database = await startPostgres();
    await harness.start({ databaseUrl: database?.url });
    const fr1 = await harness.region('osc-fr1');
    await harness.region('osc-fr2');
    fr1.put('shop');
    fr1.put('cafe');
    api = await harness.api();
    await harness.server.close();
    await start();
  }, 60_000);
  afterEach(async () => {
    if (!skip && !server) await start();
  });
  afterAll(async () => {
    if (server) await kill();
    await harness?.stop();
    await database?.stop();
  });

  test('goes on in every phase from the step in which it was', { timeout: 120_000 }, async ({ skip: leave }) => {
    if (skip) leave();
    const { id } = await api.migrations.create({ app: 'shop', destination: 'osc-fr2' });
    expect(await rest('shop', id)).toMatchObject({ status: 'preflight-success' });
    for (const phase of phases) {
      await api.migrations.run({ app: 'shop', id, step: phase });
      await seen(`begin ${phase} b`);
      await sleep(Math.random() * 120);
      await kill();
      await start();
      const ended = await rest('shop', id);
      expect(ended.failedPhase, JSON.stringify(ended.steps)).toBeNull();
      const again = lines().filter((line) => line.startsWith('begin'));
      expect(again, 'the finished step is not run again').not.toContain(`begin ${phase} a`);
      expect(lines()).toContain(`end ${phase} c`);
    }
    expect(await api.migrations.show({ app: 'shop', id })).toMatchObject({ status: 'done' });
  });

  test('goes on with an abort, each step undone', { timeout: 60_000 }, async ({ skip: leave }) => {
    if (skip) leave();
    const { id } = await api.migrations.create({ app: 'cafe', destination: 'osc-fr2' });
    await rest('cafe', id);
    await api.migrations.run({ app: 'cafe', id, step: 'prepare' });
    await rest('cafe', id);
    await api.migrations.run({ app: 'cafe', id, step: 'abort' });
    await seen('begin undo prepare b');
    await kill();
    await start();
    const aborted = await rest('cafe', id);
    expect(aborted).toMatchObject({ status: 'aborted' });
    const undone = aborted.steps.filter((row) => row.phase === 'prepare').map((row) => row.status);
    expect(undone).toEqual(['undone', 'undone', 'undone']);
    expect(lines()).not.toContain('begin undo prepare c');
  });

  test('loses no token that it gave out', { timeout: 60_000 }, async ({ skip: leave }) => {
    if (skip) leave();
    const given: string[] = [];
    const giving = (async () => {
      for (;;) given.push((await api.tokens.create({ name: 'kept' })).id);
    })().catch(() => {});
    while (given.length < 40) await sleep(5);
    await kill();
    await giving;
    await start();
    const known = (await api.tokens.list()).map(({ id }) => id);
    expect(given.filter((id) => !known.includes(id))).toEqual([]);
    expect(await caught(api.regions.list())).toBeUndefined();
  });
});
