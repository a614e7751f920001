import { expect, test } from 'vitest';
import { plan } from '../../migration/plan.ts';
import { abortKind } from './abort-kind.ts';
import type { RunParts } from './runs.ts';
import { begunNow } from './step-log.ts';

test('an abort first starts what was stopped on the source: the rest may wait for a target that is gone', async () => {
  const begun = (['prepare', 'data'] as const).flatMap((phase) =>
    plan(phase).map(({ id }) => begunNow({ id, phase, name: id })),
  );
  const parts = { plan, steps: { list: async () => begun } } as unknown as RunParts;
  const steps = await abortKind(parts).steps({ migration: '', phase: 'abort', attempt: 1, resume: false });
  const order = steps.map(({ id }) => id);
  expect(order[0]).toBe('abort.data.stop-source');
  expect(order.at(-1)).toBe('abort.prepare.lock');
  expect(new Set(order).size).toBe(begun.length);
});
