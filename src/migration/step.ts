import type { ContractRouterClient } from '@orpc/contract';
import type { Carrier, Migration, Phase, Progress } from '../protocol/migration.ts';
import type { RegionInfo, regionContract } from '../protocol/region-contract.ts';

type Region = ContractRouterClient<typeof regionContract>;

/** What may be asked of the region that the app leaves. It has no destructive verb. */
export interface SourceRegion {
  readonly name: string;
  info(): Promise<RegionInfo>;
  readonly apps: Pick<Region['apps'], 'get'>;
  readonly source: Region['source'];
}

/** What may be asked of the region that the app goes to. */
export interface TargetRegion {
  readonly name: string;
  info(): Promise<RegionInfo>;
  readonly apps: Pick<Region['apps'], 'get' | 'list'>;
  readonly target: Region['target'];
}

export interface StepContext {
  readonly migration: Migration;
  readonly source: SourceRegion;
  readonly target: TargetRegion;
  carrier(store: string): Carrier;
  progress(progress: Progress): void;
  log(line: string): void;
  /** Merges into the migration's report, durably. */
  report(change: (report: Migration['report']) => void): Promise<void>;
  /** Remembers the app that the target made; null when it was taken away again. */
  newApp(id: string | null): Promise<void>;
  /** Aborts when the server stops; the step is run again after a restart. */
  readonly signal: AbortSignal;
}

export type Standing = 'todo' | 'done' | { skip: string };

/**
 * One step: check · run · verify · undo. Every verb is idempotent and re-derives its own state, so a rerun resumes.
 * What cannot be undone has to say why.
 */
export interface Step {
  /** Durable; without the file's number, so that renumbering breaks no journal. */
  readonly id: string;
  readonly phase: Phase;
  readonly name: string | ((migration: Migration) => string);
  check(ctx: StepContext): Promise<Standing>;
  run(ctx: StepContext): Promise<void>;
  verify(ctx: StepContext): Promise<void>;
  readonly undo: ((ctx: StepContext) => Promise<void>) | { readonly irreversible: string };
  /** Its undo lets the app work again: an abort begins with it, since what comes after may wait for a region that is gone. */
  readonly stopsTheApp?: true;
}

export const step = (definition: Step): Step => definition;
