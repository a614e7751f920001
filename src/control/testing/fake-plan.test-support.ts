import { type Step, step } from '../../migration/step.ts';
import type { Phase } from '../../protocol/migration.ts';

/** A plan whose steps only say that they were reached; a step may be told to do something else there. */
export function fakePlan(act: (what: string) => Promise<void>): (phase: Phase) => readonly Step[] {
  const fake = (phase: Phase, name: string, more: Partial<Step> = {}): Step =>
    step({
      id: `${phase}.${name}`,
      phase,
      name: `Do ${name}`,
      check: async () => 'todo',
      run: () => act(name),
      verify: () => act(`verify ${name}`),
      undo: () => act(`undo ${name}`),
      ...more,
    });
  const steps = [
    fake('preflight', 'look'),
    fake('prepare', 'lock'),
    fake('prepare', 'create'),
    fake('data', 'copy'),
    fake('finalize', 'stop-workers'),
    fake('finalize', 'needless', { check: async () => ({ skip: 'data was copied' }) }),
    fake('finalize', 'switch', { undo: { irreversible: 'it is the switch' } }),
    fake('finalize', 'start-workers', { undo: { irreversible: 'it comes after the switch' } }),
  ];
  return (phase) => steps.filter((candidate) => candidate.phase === phase);
}
