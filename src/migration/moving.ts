import type { Migration } from '../protocol/migration.ts';
import type { StepContext } from './step.ts';

/** How the two regions name what moves: the target's app may have another name. */
export const atSource = ({ migration }: StepContext) => ({ app: migration.srcAppName, migration: migration.id });
export const atTarget = ({ migration }: StepContext) => ({ app: migration.dstAppName, migration: migration.id });

/** The migration as its next switch sees it: on the way back the two sides have changed places. */
export const turned = (migration: Migration): Migration => ({
  ...migration,
  source: migration.destination,
  destination: migration.source,
  srcAppName: migration.dstAppName,
  dstAppName: migration.srcAppName,
});

export const switchesMade = ({ report }: Pick<Migration, 'report'>): number =>
  report.switches.filter(({ outcome }) => outcome === 'switched').length;

/** Did this step end well, in any run, and was not taken back? */
export const finished = ({ steps }: Migration, step: string): boolean =>
  steps.some(({ id, status }) => id === step && status === 'done');
