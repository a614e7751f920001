import type { SourceStore, TargetStore } from '../../drivers/store.ts';
import type { EpochRecord, ForwardTarget, HoldLimits } from '../../protocol/gate.ts';

/** One app's gate in this region's router, as the switch sees it. */
export interface AppGate {
  /** Opens connections to the peer's router ahead of time, for those who will have waited. */
  warm(to: ForwardTarget): Promise<void>;
  hold(limits: Partial<HoldLimits>, epoch: number): Promise<void>;
  /** Resolves when nothing is in flight, or at the deadline with what is left. */
  drain(deadlineMs: number): Promise<{ inFlight: number }>;
  serve(): Promise<Released>;
  forward(to: ForwardTarget): Promise<Released>;
}

export interface Released {
  released: number;
  longestWaitMs: number;
  refused: number;
}

/** The agent's durable word on who serves the app (invariants 1 and 5). Both calls are synchronous. */
export interface Epochs {
  read(): EpochRecord;
  record(record: EpochRecord): void;
  /** The router reads and claims beside it. */
  readonly file: string;
}

export interface NamedSource {
  name: string;
  store: SourceStore;
}

export interface NamedTarget {
  name: string;
  store: TargetStore;
}
