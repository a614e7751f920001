import { atTarget } from './moving.ts';
import type { StepContext } from './step.ts';

/**
 * A file tree cannot refuse writers as a database does: what the processes behind the preview have written to it would be
 * taken for the app's. Compared once more, such a file is named, and brought back by the next pass of following. What is
 * untouched since its content was proven is not read again, so a switch takes no longer where there are more files.
 */
export async function compareTrees(ctx: StepContext): Promise<void> {
  const { previewUrl, stores } = ctx.migration.report;
  if (previewUrl === null) return;
  for (const { name } of stores.filter(({ kind, carrier }) => kind === 'files' && carrier === 'live')) {
    await ctx.target.target.verifyChanged({ ...atTarget(ctx), store: name });
    ctx.log(`${name} is the same on both sides`);
  }
}
