import { StorkyError } from '../../../protocol/errors.ts';
import { step } from '../../step.ts';

export const rollup = step({
  id: 'preflight.rollup',
  phase: 'preflight',
  name: 'Preflight checks',
  check: async () => 'todo',
  run: async () => {},
  async verify({ migration, report }) {
    let failed: string[] = [];
    await report((r) => {
      failed = r.checks.filter((check) => check.verdict === 'fail').map((check) => `${check.name} (${check.detail})`);
    });
    if (failed.length > 0)
      throw new StorkyError('preflight_failed', { failed: failed.join('; '), app: migration.srcAppName });
  },
  undo: async () => {},
});
