import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openState, type State } from '../control/state/open.ts';
import { StorkyError } from '../protocol/errors.ts';
import { Runner } from './runner.ts';
import type { DurableStep, Kind, Outcome } from './step.ts';

let folder: string;
let state: State;
let runner: Runner | undefined;
let happened: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'storky-runner-'));
  state = await openState({ dataFolder: folder });
}, 60_000);
afterEach(async () => {
  await runner?.close();
  happened = [];
});
afterAll(async () => {
  await state.close();
  rmSync(folder, { recursive: true, force: true });
});

const step = (id: string, execute: DurableStep['execute'] = async () => {}): DurableStep => ({
  id,
  async execute(signal) {
    happened.push(id);
    await execute(signal);
  },
  undo: async () => void happened.push(`undo ${id}`),
});

async function run(runId: string, steps: DurableStep[], more: Partial<Kind<null>> = {}): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  await open({ steps: async () => steps, ended: async (_, outcome) => resolve(outcome), ...more });
  await runner!.start('test', runId, null);
  return promise;
}

async function open(kind: Kind<null>): Promise<void> {
  runner = new Runner({ pool: state.pool, executor: 'test', retries: { forMs: 400, firstWaitMs: 20 } });
  await runner.define('test', kind).launch();
}

const unreachable = () => new StorkyError('region_unreachable', { region: 'x', address: 'y', detail: 'z' });

test('steps run in order, and a run is started once', async () => {
  expect(await run('order', [step('a'), step('b')])).toEqual({ end: 'done' });
  await runner!.start('test', 'order', null);
  await sleep(50);
  expect(happened).toEqual(['a', 'b']);
});

test('an error that is worth a retry is tried again; any other ends the run there', async () => {
  let times = 0;
  const shaky = step('shaky', async () => {
    if (++times < 4) throw unreachable();
  });
  const broken = step('broken', async () => {
    throw new StorkyError('bad_request', { detail: 'no', field: 'x' });
  });
  const outcome = await run('retry', [shaky, broken, step('never')]);
  expect(times).toBe(4);
  expect(outcome).toMatchObject({ end: 'failed', step: 'broken', undone: false, error: { code: 'bad_request' } });
  expect(happened).not.toContain('never');
});

test('retries end in time, with the error', async () => {
  const dead = step('dead', async () => {
    throw unreachable();
  });
  expect(await run('bounded', [dead])).toMatchObject({ end: 'failed', error: { code: 'region_unreachable' } });
});

test('a kind may take the begun steps back, last one first, and stops where that fails', async () => {
  const fails = step('c', async () => {
    throw new Error('c is broken');
  });
  const takeBack = async () => true;
  const outcome = await run('back', [step('a'), step('b'), fails, step('d')], { takeBack });
  expect(outcome).toMatchObject({ end: 'failed', step: 'c', undone: true, error: { code: 'internal' } });
  expect(happened).toEqual(['a', 'b', 'c', 'undo c', 'undo b', 'undo a']);

  await runner!.close();
  happened = [];
  const stuck: DurableStep = { ...step('b'), undo: () => Promise.reject(new Error('stuck')) };
  const halted = await run('halted', [step('a'), stuck, fails], { takeBack });
  expect(halted).toMatchObject({ end: 'failed', undone: false, undoFailure: { step: 'undo:b' } });
  expect(happened).not.toContain('undo a');
});

test('stop tells the step, waits for it, and ends the run for good', async () => {
  let ended = false;
  const endless = step('endless', (signal) => sleep(60_000, undefined, { signal }));
  await open({
    steps: async () => [endless, step('after')],
    ended: async () => {
      ended = true;
    },
  });
  await runner!.start('test', 'stopped', null);
  while (happened.length === 0) await sleep(10);
  await runner!.stop('stopped');
  expect(runner!.running('stopped')).toBe(false);
  expect(await runner!.standing('stopped')).toBe('ended');
  await sleep(100);
  expect(happened).toEqual(['endless']);
  expect(ended).toBe(false);
});

test('a run that was open when the runner closed goes on with the next one, from its step', async () => {
  const endless = step('endless', (signal) => sleep(60_000, undefined, { signal }));
  await open({ steps: async () => [step('first'), endless, step('last')], ended: async () => {} });
  await runner!.start('test', 'reopened', null);
  while (!happened.includes('endless')) await sleep(10);
  await runner!.close();
  expect(happened).toEqual(['first', 'endless']);

  const { promise, resolve } = Promise.withResolvers<Outcome>();
  await open({
    steps: async () => [step('first'), step('endless'), step('last')],
    ended: async (_, outcome) => resolve(outcome),
  });
  expect(await promise).toEqual({ end: 'done' });
  expect(happened).toEqual(['first', 'endless', 'endless', 'last']);
});

test('the journal of a run that has ended can be taken away; of one that goes on it stays', async () => {
  const endless = step('endless', (signal) => sleep(60_000, undefined, { signal }));
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const steps = async (input: unknown) => [input === 'goes on' ? endless : step('short')];
  await open({ steps, ended: async (_, outcome) => resolve(outcome) });
  await runner!.start('test', 'forget/short', null);
  await promise;
  while (runner!.running('forget/short')) await sleep(10);
  await runner!.start('test', 'forget/endless', 'goes on');
  await runner!.forget('forget/');
  expect(await runner!.standing('forget/short')).toBe('unknown');
  expect(await runner!.standing('forget/endless')).toBe('unfinished');
  expect(happened).toContain('short');
});
