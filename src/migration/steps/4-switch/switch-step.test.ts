import { expect, test } from 'vitest';
import type { StepContext } from '../../step.ts';
import { performSwitch } from './06-switch.ts';

const { run } = performSwitch('finalize');

/** The regions only write down what they are asked. */
function asked(running: boolean) {
  const happened: string[] = [];
  const answer =
    <T>(what: string, value: T) =>
    async () => {
      happened.push(what);
      return value;
    };
  const result = { epoch: 1, outcome: 'switched', freezeMs: 1, held: 0, longestWaitMs: 0 };
  const ctx = {
    migration: { id: 'm', srcAppName: 'shop', dstAppName: 'shop', budgetMs: 1_000 },
    source: {
      source: {
        switching: answer('switching', { running }),
        epoch: answer('epoch', { role: 'active', epoch: 0 }),
        ready: answer('ready', {}),
        switch: answer('switch', result),
      },
    },
    target: { target: { rehearse: answer('rehearse', { roundTripMs: 1 }) } },
    report: async () => {},
    log: () => {},
  } as unknown as StepContext;
  return { ctx, happened };
}

test('a step that is run again while its switch is being made joins it, and prepares nothing', async () => {
  const { ctx, happened } = asked(true);
  await run(ctx);
  expect(happened).toEqual(['switching', 'epoch', 'switch']);
});

test('before a switch is begun, both sides are asked once more', async () => {
  const { ctx, happened } = asked(false);
  await run(ctx);
  expect(happened).toEqual(['switching', 'epoch', 'ready', 'rehearse', 'switch']);
});
