import type { StoreReport } from '../../../protocol/migration.ts';
import { leaveInPlace } from '../../leave.ts';
import { step } from '../../step.ts';

/** A rollback may leave an addon where the switch brought it: the app goes back, and uses it from there. */
export const leaveForRollback = step({
  id: 'rollback.leave',
  phase: 'rollback',
  name: ({ source }) => `Leave addons in ${source}`,
  check: async ({ migration }) => (left(migration).length > 0 ? 'todo' : { skip: 'none is left there' }),
  async run(ctx) {
    for (const { name } of left(ctx.migration)) await leaveInPlace(ctx, name);
  },
  verify: async () => {},
  // The copy that followed it is given up with the order to leave it: another rollback leaves it too.
  undo: async () => {},
});

const left = ({ report, source }: { report: { stores: StoreReport[] }; source: string }) =>
  report.stores.filter(({ carrier, region }) => carrier === 'remote' && region === source);
