import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import { type Migration, restingStatuses } from '../../protocol/migration.ts';
import { fakePlan } from '../testing/fake-plan.test-support.ts';
import { caught, Harness } from '../testing/harness.test-support.ts';
import type { TestRegion } from '../testing/region.test-support.ts';

/** What the steps did, and what they are told to do instead. */
let happened: string[] = [];
let behaviour: Record<string, () => Promise<void>> = {};
const act = async (what: string) => {
  happened.push(what);
  await behaviour[what]?.();
};

const plan = fakePlan(act);

const harness = new Harness();
let fr1: TestRegion;
let api: Awaited<ReturnType<Harness['api']>>;

beforeAll(async () => {
  await harness.start({ plan });
  fr1 = await harness.region('osc-fr1');
  await harness.region('osc-fr2');
  api = await harness.api();
}, 60_000);
afterAll(() => harness.stop());

let app = 'shop-0';
let number = 0;
beforeEach(() => {
  app = `shop-${++number}`;
  fr1.put(app);
});
afterEach(() => {
  happened = [];
  behaviour = {};
});

const create = () => api.migrations.create({ app, destination: 'osc-fr2' });

async function rest(id: string): Promise<Migration> {
  let last: Migration | undefined;
  for await (const seen of await api.migrations.watch({ app, id })) last = seen;
  expect(restingStatuses).toContain(last!.status);
  return last!;
}
const run = async (id: string, phase: 'preflight' | 'prepare' | 'data' | 'finalize' | 'abort') => {
  const begun = await api.migrations.run({ app, id, step: phase });
  expect(['running', 'aborting']).toContain(begun.status);
  return rest(id);
};
/** A migration that has gone through these phases. */
async function upTo(...phases: ('prepare' | 'data' | 'finalize')[]): Promise<string> {
  const { id } = await create();
  await rest(id);
  for (const phase of phases) await run(id, phase);
  return id;
}
const hang = () => {
  const gate = Promise.withResolvers<void>();
  return { wait: () => gate.promise, open: gate.resolve };
};
const until = async (what: string) => {
  while (!happened.includes(what)) await sleep(10);
};
const unreachable = () => new StorkyError('region_unreachable', { region: 'x', address: 'y', detail: 'z' });
const rowOf = (migration: Migration, id: string) => migration.steps.find((row) => row.id === id);

test('the phases run in order, each journalled, preflight by itself', async () => {
  const created = await create();
  expect(created).toMatchObject({ status: 'running', source: 'osc-fr1', destination: 'osc-fr2', dstAppName: app });
  expect(await rest(created.id)).toMatchObject({ status: 'preflight-success', finishedAt: null });
  expect(await run(created.id, 'prepare')).toMatchObject({ status: 'prepared' });
  expect(await run(created.id, 'data')).toMatchObject({ status: 'data-migrated' });
  const done = await run(created.id, 'finalize');
  expect(done).toMatchObject({ status: 'done', failedPhase: null, finishedAt: expect.any(String) });
  expect(done.steps.map((row) => [row.phase, row.name, row.status])).toEqual([
    ['preflight', 'Do look', 'done'],
    ['prepare', 'Do lock', 'done'],
    ['prepare', 'Do create', 'done'],
    ['data', 'Do copy', 'done'],
    ['finalize', 'Do stop-workers', 'done'],
    ['finalize', 'Do needless', 'skipped'],
    ['finalize', 'Do switch', 'done'],
    ['finalize', 'Do start-workers', 'done'],
  ]);
  expect(rowOf(done, 'finalize.needless')!.logs).toBe('data was copied');
  expect(done.steps.every((row) => row.finishedAt !== null && row.finishedAt >= row.startedAt)).toBe(true);
  expect(await api.migrations.list({ app })).toEqual([done]);
});

test('a phase out of turn is refused, with the command to run instead', async () => {
  const id = await upTo();
  const early = await caught(api.migrations.run({ app, id, step: 'data' }));
  expect(early).toMatchObject({ code: 'wrong_phase', http: 409 });
  expect(early!.remedy).toContain(`storky --app ${app} migration-run --prepare ${id}`);
  await run(id, 'abort');
  const late = await caught(api.migrations.run({ app, id, step: 'prepare' }));
  expect(late!.remedy).toContain('migration-create --to osc-fr2');
});

test('what cannot be migrated is refused before anything is recorded', async () => {
  const refused = async (input: object) => caught(api.migrations.create({ app, destination: 'osc-fr2', ...input }));
  expect(await refused({ destination: 'nowhere' })).toMatchObject({ code: 'unknown_region' });
  expect(await refused({ from: 'nowhere' })).toMatchObject({ code: 'unknown_region' });
  expect(await refused({ app: 'ghost' })).toMatchObject({ code: 'unknown_app' });
  expect(await refused({ destination: 'osc-fr1' })).toMatchObject({ code: 'same_place' });
  fr1.put(app, { lockedBy: 'somebody' });
  expect(await refused({})).toMatchObject({ code: 'app_locked' });
  expect(await api.migrations.list({ app })).toEqual([]);
});

test('of two migrations of one app at once, one is refused', async () => {
  const both = await Promise.allSettled([create(), create()]);
  const refused = both.filter((result) => result.status === 'rejected');
  expect(refused).toHaveLength(1);
  expect(refused[0]!.reason).toMatchObject({ code: 'migration_in_progress' });
  const [only] = await api.migrations.list({ app });
  expect(refused[0]!.reason.fields.migration).toBe(only!.id);
  await rest(only!.id);
});

test('a failed preflight frees the app', async () => {
  behaviour.look = () => Promise.reject(new StorkyError('preflight_failed', { failed: 'everything' }));
  const first = await create();
  expect(await rest(first.id)).toMatchObject({ status: 'preflight-error', failedPhase: 'preflight' });
  behaviour = {};
  const second = await create();
  expect(await rest(second.id)).toMatchObject({ status: 'preflight-success' });
  expect(await caught(api.migrations.run({ app, id: first.id, step: 'preflight' }))).toMatchObject({
    code: 'migration_in_progress',
  });
});

test('a failed phase goes on from the step that failed, with its error in the journal', async () => {
  const { id } = await create();
  await rest(id);
  behaviour.create = () =>
    Promise.reject(new StorkyError('not_enough_disk', { region: 'osc-fr2', free: 1, needed: 2 }));
  const failed = await run(id, 'prepare');
  expect(failed).toMatchObject({ status: 'error', failedPhase: 'prepare' });
  expect(rowOf(failed, 'prepare.create')).toMatchObject({ status: 'error', logs: expect.stringContaining('needs 2') });
  expect((await caught(api.migrations.run({ app, id, step: 'data' })))!.remedy).toContain('--prepare');
  behaviour = {};
  happened = [];
  expect(await run(id, 'prepare')).toMatchObject({ status: 'prepared', failedPhase: null });
  expect(happened).toEqual(['create', 'verify create']);
});

test('what verify refuses is the failure of the step, and an unknown error bears the name of its step', async () => {
  const { id } = await create();
  await rest(id);
  behaviour['verify create'] = () => Promise.reject(new Error('not what it was'));
  const failed = await run(id, 'prepare');
  expect(rowOf(failed, 'prepare.create')!.logs).toContain('Do create: not what it was');
});

test('an unreachable region is tried again, and the step says so', async () => {
  const { id } = await create();
  await rest(id);
  let times = 0;
  behaviour.lock = async () => {
    if (++times < 3) throw unreachable();
  };
  const prepared = await run(id, 'prepare');
  expect(prepared.status).toBe('prepared');
  expect(rowOf(prepared, 'prepare.lock')!.logs!.split('\n')).toHaveLength(2);
});

test('abort undoes what was begun, last one first, and frees the app', async () => {
  const id = await upTo('prepare', 'data');
  happened = [];
  const aborted = await run(id, 'abort');
  expect(aborted).toMatchObject({ status: 'aborted', failedPhase: null, finishedAt: expect.any(String) });
  expect(happened).toEqual(['undo copy', 'undo create', 'undo lock']);
  const rows = aborted.steps.filter((row) => row.phase === 'abort').map((row) => [row.name, row.status]);
  expect(rows).toEqual([
    ['Abort: Do copy', 'done'],
    ['Abort: Do create', 'done'],
    ['Abort: Do lock', 'done'],
  ]);
  expect(rowOf(aborted, 'data.copy')!.status).toBe('undone');
  await rest((await create()).id);
});

test('abort while a phase runs stops it first, and undoes the interrupted step too', async () => {
  const id = await upTo('prepare');
  const { wait, open } = hang();
  behaviour.copy = wait;
  await api.migrations.run({ app, id, step: 'data' });
  await until('copy');
  happened = [];
  expect(await api.migrations.run({ app, id, step: 'abort' })).toMatchObject({ status: 'aborting' });
  await sleep(100);
  expect(happened, 'nothing is undone while the step still works').toEqual([]);
  open();
  expect(await rest(id)).toMatchObject({ status: 'aborted' });
  expect(happened.filter((what) => what.startsWith('undo'))).toEqual(['undo copy', 'undo create', 'undo lock']);
});

test('an abort that fails stops there, and goes on when it is asked again', async () => {
  const id = await upTo('prepare', 'data');
  behaviour['undo create'] = () => Promise.reject(new Error('stuck'));
  expect(await run(id, 'abort')).toMatchObject({ status: 'error', failedPhase: 'abort' });
  expect(happened).not.toContain('undo lock');
  behaviour = {};
  happened = [];
  expect(await run(id, 'abort')).toMatchObject({ status: 'aborted' });
  expect(happened).toEqual(['undo create', 'undo lock']);
});

test('a switch that backs out leaves the migration as it was, with the error, to be finalized again', async () => {
  const id = await upTo('prepare', 'data');
  happened = [];
  behaviour.switch = () => Promise.reject(new StorkyError('switch_backed_out', { heldMs: 9, reason: 'slow' }));
  const back = await run(id, 'finalize');
  expect(back).toMatchObject({ status: 'data-migrated', failedPhase: 'finalize', finishedAt: null });
  expect(rowOf(back, 'finalize.switch')).toMatchObject({
    status: 'error',
    logs: expect.stringContaining('backed out'),
  });
  expect(rowOf(back, 'finalize.stop-workers')).toMatchObject({ status: 'undone' });
  expect(happened).toEqual(['stop-workers', 'verify stop-workers', 'switch', 'undo stop-workers']);
  behaviour = {};
  expect(await run(id, 'finalize')).toMatchObject({ status: 'done' });
});

test('a finalize that fails before the switch is taken back; it can still be aborted', async () => {
  const id = await upTo('prepare', 'data');
  behaviour['verify stop-workers'] = () =>
    Promise.reject(new StorkyError('not_in_sync', { store: 'db', detail: 'lag' }));
  const failed = await run(id, 'finalize');
  expect(failed).toMatchObject({ status: 'data-migrated', failedPhase: 'finalize' });
  expect(rowOf(failed, 'finalize.stop-workers')).toMatchObject({
    status: 'error',
    logs: expect.stringContaining('lag'),
  });
  expect(await run(id, 'abort')).toMatchObject({ status: 'aborted' });
});

test('a switch that the target refuses, before anything is held, is taken back; it can still be aborted', async () => {
  const id = await upTo('prepare', 'data');
  behaviour.switch = () => Promise.reject(new StorkyError('not_in_sync', { store: 'db', detail: 'it is catching up' }));
  const refused = await run(id, 'finalize');
  expect(refused).toMatchObject({ status: 'data-migrated', failedPhase: 'finalize' });
  expect(rowOf(refused, 'finalize.stop-workers')).toMatchObject({ status: 'undone' });
  expect(await run(id, 'abort')).toMatchObject({ status: 'aborted' });
});

test('from the switch on, abort is refused and finalize goes on', async () => {
  const id = await upTo('prepare', 'data');
  const { wait, open } = hang();
  behaviour.switch = async () => {
    await wait();
    throw new StorkyError('switch_undecided', { app, region: 'osc-fr2' });
  };
  await api.migrations.run({ app, id, step: 'finalize' });
  await until('switch');
  expect(await caught(api.migrations.run({ app, id, step: 'abort' }))).toMatchObject({ code: 'wrong_phase' });
  open();
  expect(await rest(id)).toMatchObject({ status: 'error', failedPhase: 'finalize' });
  const refused = await caught(api.migrations.run({ app, id, step: 'abort' }));
  expect(refused!.remedy).toContain(`migration-run --finalize ${id}`);
  behaviour = {};
  happened = [];
  expect(await run(id, 'finalize')).toMatchObject({ status: 'done' });
  expect(happened, 'nothing before the switch is repeated').not.toContain('stop-workers');
});

test('a server that is stopped in a phase goes on with it when it starts again', async () => {
  const id = await upTo('prepare');
  behaviour.copy = () => sleep(30_000).then(() => {});
  await api.migrations.run({ app, id, step: 'data' });
  await until('copy');
  const stopping = harness.server.close();
  behaviour = {};
  happened = [];
  await stopping;
  await harness.start({ plan });
  api = await harness.api();
  expect(await rest(id)).toMatchObject({ status: 'data-migrated' });
  expect(happened).toEqual(['copy', 'verify copy']);
}, 30_000);

test('one that was only checked can be taken off the list; one that has changed something stays', async () => {
  const { id } = await create();
  await rest(id);
  await api.migrations.remove({ app, id });
  expect(await api.migrations.list({ app })).toEqual([]);
  expect(await caught(api.migrations.show({ app, id }))).toMatchObject({ code: 'unknown_migration' });
  const begun = await upTo('prepare');
  expect(await caught(api.migrations.remove({ app, id: begun }))).toMatchObject({ code: 'wrong_phase' });
  await run(begun, 'abort');
  expect(await caught(api.migrations.remove({ app, id: begun }))).toMatchObject({ code: 'wrong_phase' });
});
