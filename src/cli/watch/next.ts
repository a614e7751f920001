import { isOver, type Migration, type Phase } from '../../protocol/migration.ts';
import { asLastSwitched, isSwitched } from './sides.ts';

/** Commands to go on with, complete as they can be typed. Storky's names need no quotes. */
const on = (m: Migration) => `storky --region ${m.source} --app ${m.srcAppName}`;

const ownCommand: readonly Phase[] = ['abort', 'rollback', 'complete', 'verify'];
const switching: readonly Phase[] = ['finalize', 'rollback'];

/** Some phases are commands of their own. A switch that was wanted without a way back is repeated as it was wanted. */
export function phaseCommand(m: Migration, phase: Phase): string {
  const command = ownCommand.includes(phase) ? `migration-${phase}` : `migration-run --${phase}`;
  return `${on(m)} ${command}${m.withoutWayBack && switching.includes(phase) ? ' --no-way-back' : ''} ${m.id}`;
}

export const followCommand = (m: Migration) => `${on(m)} migration-follow ${m.id}`;

/** Of the app where it is served now. */
export function appCommand(m: Migration): string {
  const { destination, dstAppName } = asLastSwitched(m);
  return `storky --region ${destination} --app ${dstAppName} app`;
}

/** How everything is taken back; null once a switch was made, since the copy over there is none any more. */
export const abortCommand = (m: Migration): string | null =>
  isSwitched(m) || isOver(m) ? null : phaseCommand(m, 'abort');

export function createCommand(m: Migration): string {
  const parts = [`${on(m)} migration-create --to ${m.destination}`];
  if (m.dstAppName !== m.srcAppName) parts.push(`--new-name ${m.dstAppName}`);
  for (const [store, carrier] of Object.entries(m.carriers)) parts.push(`--carrier ${store}=${carrier}`);
  if (m.budgetMs !== 10_000) parts.push(`--budget ${m.budgetMs}`);
  return parts.join(' ');
}
