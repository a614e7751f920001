import { plan } from '../../src/migration/plan.ts';
import type { Phase } from '../../src/protocol/migration.ts';
import { type Cell, engines, type Fault, type Part, sides, type Victim } from './cell.ts';

const phases: readonly Phase[] = ['preflight', 'prepare', 'data', 'finalize', 'rollback', 'complete', 'abort'];

const faultsOf = (victim: Victim): readonly Fault[] =>
  victim.endsWith('-link') ? ['cut', 'slow'] : victim.endsWith('-disk') ? ['full'] : ['kill', 'stop'];

/** Every step × everything that can be hit in it × every fault that it can have. */
export function matrix(): Cell[] {
  return phases.flatMap((phase) =>
    stepsOf(phase).flatMap((step) =>
      victimsIn(phase, step).flatMap((victim) =>
        faultsOf(victim).map((fault) => ({
          phase,
          step,
          victim,
          fault,
        })),
      ),
    ),
  );
}

/** In the order in which they run. An abort takes back what data and prepare did, last one first. */
export function stepsOf(phase: Phase): string[] {
  if (phase !== 'abort') return plan(phase).map(({ id }) => id);
  const undone = (['prepare', 'data'] as const).flatMap(plan).toReversed();
  return undone
    .filter(({ id, undo }) => typeof undo === 'function' && id !== 'data.stop-source') // nothing is carried by backup
    .map(({ id }) => `abort.${id}`);
}

/** What there is to hit in a step: what was not made yet, or has been taken away, cannot fail. */
function victimsIn(phase: Phase, step: string): Victim[] {
  const everywhere = sides.flatMap((side): Victim[] =>
    (['agent', 'router', 'link', 'disk'] as const).map((part) => `${side}-${part}` as const),
  );
  const ofSource = [...engines, 'web'].map((part) => `source-${part}` as Victim);
  const ofTarget = targetHas(phase, step).map((part) => `target-${part}` as Victim);
  return ['server', 'server-link', 'regions-link', ...everywhere, ...ofSource, ...workers(phase, step), ...ofTarget];
}

function targetHas(phase: Phase, step: string): Part[] {
  const all = [...engines, 'web'] as const;
  const nothing = { preflight: true, prepare: true }[phase as string];
  if (nothing) return [];
  // Between these two steps of a phase, inclusive, the target has databases, and web processes.
  const spans: Partial<Record<Phase, [databases: [string, string], web: [string, string]]>> = {
    data: [
      ['data.carry', 'data.rehearse'],
      ['data.rehearse', 'data.rehearse'],
    ],
    abort: [
      ['abort.data.rehearse', 'abort.data.provision'],
      ['abort.data.rehearse', 'abort.data.start-web'],
    ],
    rollback: [
      ['rollback.start-web', 'rollback.follow-back'],
      ['rollback.check-again', 'rollback.follow-back'],
    ],
    complete: [
      ['complete.end-way-back', 'complete.end-way-back'],
      ['', ''],
    ],
  };
  const span = spans[phase];
  if (!span) return [...all];
  const within = ([first, last]: [string, string]) => {
    const steps = stepsOf(phase);
    const at = steps.indexOf(step);
    return steps.includes(first) && at >= steps.indexOf(first) && at <= steps.indexOf(last);
  };
  return [...(within(span[0]) ? engines : []), ...(within(span[1]) ? (['web'] as const) : [])];
}

/** They run on one side only; between the two steps on neither. */
function workers(phase: Phase, step: string): Victim[] {
  if (phase !== 'finalize' && phase !== 'rollback') return ['source-worker'];
  const steps = stepsOf(phase);
  const at = steps.indexOf(step);
  if (at <= steps.indexOf(`${phase}.quiesce`)) return ['source-worker'];
  return at > steps.indexOf(`${phase}.start-workers`) ? ['target-worker'] : [];
}
