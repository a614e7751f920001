import type { RecordPart } from '../protocol/app-record/record.ts';
import { atTarget } from './moving.ts';
import { type Step, step } from './step.ts';

/** A step that brings one part of the app record across, agent to agent, and proves it by reading it back. */
export function importPart(part: RecordPart, id: string, what: string): Step {
  return step({
    id: `prepare.${id}`,
    phase: 'prepare',
    name: `Import ${what}`,
    check: async () => 'todo',
    async run(ctx) {
      await ctx.target.target.import({ ...atTarget(ctx), part });
    },
    async verify(ctx) {
      const [here, there] = await Promise.all([
        ctx.source.source.digest({ app: ctx.migration.srcAppName, part }),
        ctx.target.target.digest({ app: ctx.migration.dstAppName, part }),
      ]);
      if (here.digest !== there.digest)
        throw new Error(`${what} read back from ${ctx.target.name} differ: ${there.items} of ${here.items}`);
      ctx.log(`${there.items} read back and equal`);
    },
    undo: async (ctx) => void (await ctx.target.target.clear({ ...atTarget(ctx), part })),
  });
}
