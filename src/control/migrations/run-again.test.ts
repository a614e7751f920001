import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Step, step } from '../../migration/step.ts';
import { type Phase, restingStatuses } from '../../protocol/migration.ts';
import { openState } from '../state/open.ts';
import { Harness } from '../testing/harness.test-support.ts';

let happened: string[] = [];
let failing: string | undefined;
const fake = (phase: Phase, name: string): Step =>
  step({
    ...{ id: `${phase}.${name}`, phase, name, check: async () => 'todo', verify: async () => {}, undo: async () => {} },
    async run() {
      happened.push(name);
      if (failing === name) throw new Error('not now');
    },
  });
const steps = [fake('preflight', 'look'), fake('prepare', 'lock'), fake('data', 'copy'), fake('data', 'compare')];

const harness = new Harness();
beforeAll(() => harness.start({ plan: (phase) => steps.filter((one) => one.phase === phase) }), 60_000);
afterAll(() => harness.stop());

test('a phase that is run a second time, and fails, goes on from its failed step: what its first run did is done again', async () => {
  (await harness.region('osc-fr1')).put('shop');
  await harness.region('osc-fr2');
  const api = await harness.api();
  const { id } = await api.migrations.create({ app: 'shop', destination: 'osc-fr2' });
  const rest = async () => {
    for await (const { status } of await api.migrations.watch({ app: 'shop', id }))
      if (restingStatuses.includes(status)) return status;
  };
  const run = async (phase: Phase) => {
    happened = [];
    await api.migrations.run({ app: 'shop', id, step: phase });
    return rest();
  };
  await rest();
  await run('prepare');
  expect(await run('data')).toBe('data-migrated');

  failing = 'copy';
  expect(await run('data')).toBe('error');
  failing = undefined;
  expect(await run('data')).toBe('data-migrated');
  expect(happened).toEqual(['copy', 'compare']);

  failing = 'compare';
  expect(await run('data')).toBe('error');
  failing = undefined;
  expect(await run('data')).toBe('data-migrated');
  expect(happened, 'what this run has done is not done again').toEqual(['compare']);

  await harness.server.close();
  await using state = await stateOf(harness);
  const { rows } = await state.pool.query('SELECT workflow_uuid AS run FROM storky_runs.workflow_status');
  expect(rows).toContainEqual({ run: `${id}/data/7` });
  // One that has just ended may not have been taken away yet.
  expect(rows.length, 'the journals of earlier runs, of seven in all, are of no use').toBeLessThanOrEqual(3);
});

async function stateOf({ folder }: Harness) {
  const { pool, close } = await openState({ dataFolder: join(folder, 'data') });
  return { pool, [Symbol.asyncDispose]: close };
}
