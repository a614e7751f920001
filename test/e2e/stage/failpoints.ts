import { expect } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { show } from './move.ts';
import type { Region } from './region.ts';
import type { Stage } from './stage.ts';

/** Starts the agent, which is dead, to die again at a point of the switch (src/base/failpoint.ts). */
export const startToDieAt = (region: Region, point: string): Promise<void> =>
  region.startAgent({ STORKY_FAILPOINT: point });

/** Switches until the agent dies at its point: again, where the switch has backed out or was not begun. */
export async function diesInSwitch(
  stage: Stage,
  id: string,
  { agent }: Region,
  point: string,
  step: 'finalize' | 'rollback' = 'finalize',
): Promise<void> {
  const [before, after] = step === 'finalize' ? ['data-migrated', 'done'] : ['done', 'rolled-back'];
  let over = false;
  const attempts: string[] = [];
  const ended = agent.ended.finally(() => {
    over = true;
  });
  await waitFor(
    async () => {
      if (over) return true;
      const { status, steps, report } = await show(stage, id);
      const failed = steps.findLast((step) => step.status === 'error');
      attempts.push(`${status}: ${failed?.id} ${failed?.logs} ${report.switches.at(-1)?.reason}`);
      if (status === before) await stage.api.migrations.run({ app: 'shop', id, step });
      expect(status).not.toBe(after);
      return false;
    },
    { timeout: 100_000, every: 100, what: `the death at ${point}` },
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${[...new Set(attempts)].join('\n')}`);
  });
  expect(await ended).toMatchObject({ signal: 'SIGKILL' });
  expect(agent.output()).toContain(`killed at the failpoint ${point}`);
}
