import type { EntryPort, Gate, GateMetrics } from '../../protocol/gate.ts';

/** What the apps of a region ask of its router. */
export interface GateControl {
  put(gate: Gate): Promise<unknown>;
  remove(app: string): Promise<unknown>;
  upstreams(app: string, upstreams: string[], entries?: EntryPort[]): Promise<unknown>;
  /** The gates as they are now. */
  status(): Promise<{ gates: Gate[] }>;
  metrics(app: string): Promise<GateMetrics>;
  /** All of the region: those that are not in the list are forgotten. */
  certificates?(certificates: { host: string; cert: string; key: string }[]): Promise<unknown>;
}
