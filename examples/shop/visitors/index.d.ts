export interface VisitorsOptions {
  /** `http://host:port` of a router. */
  url: string;
  /** Sent as `Host`; default: the url's. */
  hostHeader?: string;
  /** Requests a second, kept whether or not answers come (open loop). Default 250. */
  rate?: number;
  /** Share of writes, 0 to 1. Default 0.5. */
  writes?: number;
  /** Share of the writes that are pictures. Default 0.1. */
  pictures?: number;
  /** Keep-alive connections. Default 64. */
  connections?: number;
  /** Clients of the WebSocket. Default 4. */
  webSockets?: number;
  /** Default 1. The mix is the same for the same seed; the ids are new in every run. */
  seed?: number;
  /** A request without an answer by then has failed. Default 30 000. */
  timeoutMs?: number;
  /** From the time at which it was due, so waiting in line counts. Default 50. */
  slowMs?: number;
  onTick?: (tick: Tick) => void;
}

/** One second, closed. Requests are counted in the second in which they were answered. */
export interface Tick {
  second: number;
  requests: number;
  failed: number;
  writes: number;
  longestMs: number;
}

export interface Failure {
  /** Seconds since the start. */
  at: number;
  request: string;
  reason: string;
}

export interface Summary {
  seconds: number;
  /** Answered or failed; without those still in flight. */
  requests: number;
  /** Not 2xx, socket error, time-out, wrong content, or a WebSocket refused or cut without a close frame. */
  failed: number;
  slow: number;
  longestWaitMs: number;
  p50Ms: number;
  p99Ms: number;
  acknowledgedWrites: number;
  unacknowledgedWrites: number;
  /** Own acknowledged writes that a read did not find, or found changed: seen while running. */
  lost: string[];
  /** Answers by region, as the shop tells in `X-Served-By`. */
  servedBy: Record<string, number>;
  webSockets: { open: number; messages: number; reconnects: number; refused: number; dropped: number };
  /** The first 20. */
  failures: Failure[];
  timeline: Tick[];
}

/** Plain JSON: id → hash of what was written. */
export interface Ledger {
  prefix: string;
  acknowledged: { orders: Record<string, string>; uploads: Record<string, string> };
  /** Sent, but never confirmed: may exist or not. */
  unacknowledged: { orders: Record<string, string>; uploads: Record<string, string> };
}

export interface Visitors {
  summary(): Summary;
  /** In the forked form: as of the last second until `stop` has resolved, which brings the ledger. */
  ledger(): Ledger;
  /** From now on new requests go there (DNS has moved). */
  retarget(url: string): void;
  /** No new requests; waits for those in flight. */
  stop(): Promise<Summary>;
}

export function startVisitors(options: VisitorsOptions): Visitors;

/** The same in a process of its own, which ends with this one. */
export function forkVisitors(options: VisitorsOptions): Promise<Visitors>;

export interface LedgerVerdict {
  ok: boolean;
  acknowledged: number;
  /** `orders/ID: reason`. */
  lost: string[];
  duplicated: string[];
  /** Carry the run's prefix, but were never sent. */
  unexpected: string[];
  unacknowledgedPresent: number;
  ordersChecked: number;
  uploadsChecked: number;
  /** Two regions' workers at the same time; direct check only. */
  overlappingWorkers: string[];
}

/** Direct: the database and the folder. Else over HTTP, as an outsider sees it. */
export type LedgerPlace = { databaseUrl: string; uploadsFolder: string } | { url: string; hostHeader?: string };

export function checkLedger(ledger: Ledger, place: LedgerPlace): Promise<LedgerVerdict>;
