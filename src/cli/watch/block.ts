import type { Migration, MigrationStep, Phase } from '../../protocol/migration.ts';
import { migrationStatus } from '../show/status.ts';
import { facts } from '../show/table.ts';
import { bytes, duration, plural } from '../show/units.ts';
import { hintOf } from './hint.ts';
import { asLastSwitched } from './sides.ts';
import { type Moment, stepLine } from './step-line.ts';
import { followers, paintedState, wayBackState } from './way-back.ts';

/** Phases that move data. */
const showStores: readonly Phase[] = ['data', 'finalize', 'rollback'];

/** A migration as text: what it is, where it stands, and its steps by phase. Phases that are over take one line. */
export function block(migration: Migration, moment: Moment): string {
  const { paint } = moment;
  const phases = byPhase(migration.steps);
  const current = phases.at(-1)?.phase;
  return [
    header(migration, moment),
    paint.dim(hintOf(migration)),
    ...(phases.length ? [''] : []),
    ...phases.flatMap(({ phase, steps }) => phaseLines(phase, steps, phase === current, moment)),
    ...(current && showStores.includes(current) ? storeLines(migration, moment) : []),
  ].join('\n');
}

export function header(migration: Migration, { paint }: Pick<Moment, 'paint'>): string {
  const { id, srcAppName, dstAppName, source, destination, newAppId, status } = migration;
  return facts(
    [
      ['Migration ID', id],
      ['Migrating app', `${srcAppName} (${source})`],
      ['Destination', dstAppName === srcAppName ? destination : `${destination}, as ${dstAppName}`],
      ['New app ID', newAppId ?? paint.blue('N/A')],
      ['Status', migrationStatus(status, paint)],
      ...(wayBackState(migration) ? [['Way back', paintedState(migration, paint)] as [string, string]] : []),
    ],
    paint.bold,
  );
}

/**
 * In the order in which they were last begun: after a rollback, finalize runs again, and a step that is run again keeps its
 * place in the list. What the current phase has not come to yet, this time, is left out.
 */
function byPhase(all: MigrationStep[]): { phase: Phase; steps: MigrationStep[] }[] {
  const phases = [...Map.groupBy(all, ({ phase }) => phase)]
    .map(([phase, steps]) => ({ phase, steps, begun: latest(steps) }))
    .sort((a, b) => a.begun - b.begun);
  const [current, before] = [phases.at(-1), phases.at(-2)?.begun ?? 0];
  if (current) current.steps = current.steps.filter((step) => Date.parse(step.startedAt) >= before);
  return phases;
}

const latest = (steps: MigrationStep[]) => Math.max(...steps.map((step) => Date.parse(step.startedAt)));

function phaseLines(phase: Phase, steps: MigrationStep[], open: boolean, moment: Moment): string[] {
  const { paint } = moment;
  const title = phase.charAt(0).toUpperCase() + phase.slice(1);
  const failed = steps.some((step) => step.status === 'error');
  if (open || failed) return [paint.bold(title), ...steps.map((step) => `  ${stepLine(step, moment)}`)];
  const times = steps
    .flatMap((step) => [step.startedAt, step.finishedAt ?? []])
    .flat()
    .map(Date.parse);
  const took = duration(Math.max(...times) - Math.min(...times));
  const mark = steps.every((step) => step.status === 'undone') ? paint.yellow('↺') : paint.green('✔');
  return [`${mark} ${paint.bold(title)} ${paint.dim(`${plural(steps.length, 'step')}, ${took}`)}`];
}

/** After a switch, of the copies on the side that was left. */
function storeLines(migration: Migration, { paint }: Moment): string[] {
  const back = followers(migration);
  const where = back ? `back to ${asLastSwitched(migration).source}` : '';
  const stay = migration.report.stores.filter(({ carrier }) => carrier === 'remote');
  return (back ? [...back, ...stay] : migration.report.stores).map((store) => {
    const lag = [
      store.lagBytes === null ? '' : `${bytes(store.lagBytes)} behind`,
      store.lagMs === null ? '' : duration(store.lagMs),
    ].filter(Boolean);
    const copied = store.bytesCopied ? `${bytes(store.bytesCopied)} copied` : '';
    const parts = [store.carrier === 'remote' ? '' : where, store.carrier, store.stage, copied, ...lag, store.detail]
      .filter(Boolean)
      .join(' · ');
    return `  ${paint.cyan(store.name)} ${paint.dim(parts)}`;
  });
}
