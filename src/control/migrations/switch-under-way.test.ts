import { afterAll, beforeAll, expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import { restingStatuses } from '../../protocol/migration.ts';
import { fakePlan } from '../testing/fake-plan.test-support.ts';
import { Harness } from '../testing/harness.test-support.ts';

let happened: string[] = [];
let failing = false;
const plan = fakePlan(async (what) => {
  happened.push(what);
  if (what === 'switch' && failing)
    throw new StorkyError('long_transaction', { store: 'db', seconds: 6, detail: 'psql' });
});

const harness = new Harness();
beforeAll(() => harness.start({ plan }), 60_000);
afterAll(() => harness.stop());

test('a retry of the switch that fails while the source is making it takes nothing back', async () => {
  const source = await harness.region('osc-fr1');
  source.put('shop');
  await harness.region('osc-fr2');
  const api = await harness.api();
  const { id } = await api.migrations.create({ app: 'shop', destination: 'osc-fr2' });
  const rest = async () => {
    for await (const { status } of await api.migrations.watch({ app: 'shop', id }))
      if (restingStatuses.includes(status)) return status;
  };
  const run = async (phase: 'prepare' | 'data' | 'finalize') => {
    await api.migrations.run({ app: 'shop', id, step: phase });
    return rest();
  };
  await rest();
  for (const phase of ['prepare', 'data'] as const) await run(phase);

  failing = true;
  source.switching.add('shop');
  expect(await run('finalize')).toBe('error');
  expect(happened).not.toContain('undo stop-workers');

  failing = false;
  source.switching.delete('shop');
  happened = [];
  expect(await run('finalize')).toBe('done');
  expect(happened, 'it goes on with the switch').not.toContain('stop-workers');
});
