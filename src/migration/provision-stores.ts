import type { Phase, StoreReport } from '../protocol/migration.ts';
import { leaveInPlace } from './leave.ts';
import { atTarget, finished, switchesMade } from './moving.ts';
import { type Step, step } from './step.ts';

/** Same engine, plan and version, same names and password. Also part of finalize, for a migration that skips data. */
export const provisionStores = (phase: Phase): Step =>
  step({
    id: `${phase}.provision`,
    phase,
    name: 'Provision addons and file trees',
    async check({ migration }) {
      if (phase === 'finalize' && (finished(migration, 'data.provision') || switchesMade(migration) > 0))
        return { skip: 'done before' };
      return migration.report.stores.length > 0 ? 'todo' : { skip: 'there are none' };
    },
    async run(ctx) {
      const stays = ({ carrier }: StoreReport) => carrier === 'remote';
      const names = (stores: StoreReport[]) => stores.map(({ name }) => name).join(', ');
      const { stores } = ctx.migration.report;
      const made = stores.filter((store) => !stays(store));
      const provision = (stores: StoreReport[]) =>
        Promise.all(stores.map((store) => ctx.target.target.provision({ ...atTarget(ctx), store: store.name })));
      // What the container of a database mounts of a file tree would else be made by Docker, and be somebody else's.
      await provision(made.filter(({ kind }) => kind === 'files'));
      await provision(made.filter(({ kind }) => kind !== 'files'));
      if (made.length > 0) ctx.log(`provisioned: ${names(made)}`);
      for (const store of stores.filter(stays)) await leaveInPlace(ctx, store.name);
    },
    verify: async () => {},
    // What finalize makes is empty, and abort removes it with the app; undone after a back-out it would take synced data away.
    async undo(ctx) {
      if (phase === 'finalize') return;
      for (const store of ctx.migration.report.stores)
        await ctx.target.target.deprovision({ ...atTarget(ctx), store: store.name });
    },
  });
