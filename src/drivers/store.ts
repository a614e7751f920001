/**
 * A store is what an app keeps its data in: a database or a file tree. Every engine gives the two roles below, and the
 * switch works on the roles alone (invariant 8: all stores in one cut).
 *
 * The two roles are different types on purpose. What may be done to the old home has no destructive method:
 * a copy in the wrong direction does not compile.
 */
import type { Duplex, Readable } from 'node:stream';
import type { Progress, Stray } from '../protocol/migration.ts';

export type Report = (progress: Progress) => void;

/** One prerequisite of `live`, as preflight shows it. */
export interface Finding {
  id: string;
  verdict: 'pass' | 'warn' | 'fail';
  detail: string;
  remedy: string | null;
}

export interface Measure {
  bytes: number;
  /** Rows (estimated) or files. */
  items: number;
  /** What this store holds that `live` cannot carry, in words; empty is good. */
  notMoved: string[];
}

/**
 * What the target needs to read and follow: credentials, slot, position. JSON, made by the source, sent agent to agent only,
 * never to the control plane or a log.
 */
export type FollowTicket = { [key: string]: unknown };

/**
 * How far a comparison has come; kept where it outlives this process. From the first thing on that was not found equal, nothing is
 * kept, unless it is named in the bookmark, to be looked at again.
 */
export interface Bookmark {
  /** `at` is the engine's own words; `items` were compared before it. */
  get(): { at: string; items: number } | null;
  set(at: string, items: number): void;
  /** The comparison has ended: the next one begins at the beginning. */
  clear(): void;
}

/** How the target reaches the source: a database through a tunnelled port, a file tree through a stream. */
export interface SourceEndpoint {
  host: string;
  port: number;
  /** Opens another stream to the source's `serve`. Aborting the signal closes it. */
  openStream(signal: AbortSignal): Promise<Duplex>;
  /** A copy that is slower than this would break off, bytes a second; said while it is made. */
  atLeast?(bytesPerSecond: number): void;
  /** Between two parts of a comparison: resolves when the source bears the next one. */
  rest?(): Promise<void>;
  /** Where a comparison that was cut short goes on. */
  bookmark?: Bookmark;
}

export interface Deadline {
  /** `performance.now()` value after which the switch backs out. */
  at: number;
  signal: AbortSignal;
}

export interface SourceStore {
  check(): Promise<Finding[]>;
  measure(): Promise<Measure>;
  /**
   * Idempotent: made again, the same ticket comes back while its position is still held; else a new one, with `fresh` true.
   * `copyLimit` is the most that will be copied in a second, bytes; null: nobody has set one.
   */
  open(migration: string, copyLimit?: number | null): Promise<{ ticket: FollowTicket; fresh: boolean }>;
  /**
   * Invariant 7: on the side that is still a copy, before the switch, what the stream back will need here (slot, publication,
   * account). It holds what is written from the turn on, and nothing from before. Idempotent; `open` of the same stream gives
   * the same ticket after the switch.
   */
  openWayBack(stream: string): Promise<FollowTicket>;
  /** What this stream keeps from being removed on this side, bytes: log that the other side has not taken yet. */
  retained?(stream: string): Promise<number>;
  /** A moment's work, as an app has it done all the time; how long it takes says how the store fares. Writes nothing. */
  pulse?(): Promise<void>;
  /** Serves one stream of the target (file trees). */
  serve?(stream: Duplex, migration: string): Promise<void>;
  /** Changes when the structure changes (DDL); compared before the switch and in the marker. */
  fingerprint(): Promise<string>;
  /** Throws StorkyError `long_transaction`, `not_in_sync` … when a switch would not end in time. Before anything is held. */
  ready(migration: string): Promise<void>;

  // In the freeze, on connections that are already open.
  /** Refuses every writer, whoever connects, until `unfence` or the death of this process. Throws at the deadline. */
  fence(deadline: Deadline): Promise<void>;
  /**
   * After drain and fence: writes the marker of the epoch, with what the target needs (sequence values, dirty files). An
   * engine whose marker is only known by its position gives that position as the proof, for `applied` on the other side.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most engines have nothing to give
  mark(migration: string, epoch: number, deadline: Deadline): Promise<string | void>;
  /** Makes the fence durable: it survives the death of this process and a restart of the engine (invariant 6). */
  seal(): Promise<void>;
  /** Takes fence and seal away, from any state, also after a crash. Idempotent. */
  unfence(): Promise<void>;

  /** Carrier `backup`: a consistent dump. The app is stopped. */
  backup(): Promise<Readable>;
  /** Removes every object that `open` made; the source is as it was. Idempotent. */
  close(migration: string): Promise<void>;
  /** Ends connections and watchers of this process; changes nothing in the store. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface VerifyResult {
  items: number;
  /** Each in words, the first 100; empty means equal at a known position. */
  differences: string[];
  /** Rows that were changed each time that they were looked at, so that nothing can be said of them. */
  unsettled?: number;
}

export interface Lag {
  bytes: number;
  /** Age of the oldest change that is not applied yet, milliseconds. */
  ms: number;
}

export interface TargetStore {
  /** Copies from the ticket's position. Resumable: a second call goes on where the first stopped, or starts anew for a fresh ticket. */
  copy(
    migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<{ bytes: number; items: number }>;
  /** Starts to follow, or goes on after a restart. Returns when the stream runs; it is pushed, not polled. */
  follow(migration: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void>;
  lag(): Promise<Lag>;
  /** Throws `schema_changed` or `link_lost` when following has stopped for a reason that waiting does not mend. */
  healthy(): Promise<void>;
  /** Compares at a known position; what differs is looked at again after the stream has passed it. */
  verify(
    migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<VerifyResult>;
  /**
   * As `verify`, but what was proven before and is untouched on both sides since is not read again: its length goes with what
   * has changed. Where there is none, nothing but the stream can change what is here.
   */
  verifyChanged?(migration: string, from: SourceEndpoint, report: Report, signal: AbortSignal): Promise<VerifyResult>;
  /**
   * Readable, but refuses writes other than the stream's, until `activate`. Idempotent. On a side that a switch has sealed,
   * readers are let in again, once writers are refused.
   */
  standby(): Promise<void>;
  /** Everything that can be done before the freeze is done: connections open, the path proven by a probe marker. */
  rehearse(migration: string, from: SourceEndpoint, signal: AbortSignal): Promise<{ roundTripMs: number }>;
  /**
   * Resolves when the marker of the epoch was applied here (invariant 3), its sequence values included. Called before the
   * source holds anything, so that the arrival is pushed; `proof` resolves when the source has marked, with what it gave.
   *
   * `turn` is where the way back begins (invariant 7): after all that the switch brought, before the first write here.
   */
  applied(
    migration: string,
    epoch: number,
    deadline: Deadline,
    proof?: Promise<string | null>,
  ): Promise<{ detail: string; turn?: string }>;
  /** Opens it to writers, whatever closed it: `standby`, or the seal of an earlier switch. After the source recorded `passive`. Idempotent. */
  activate(epoch: number): Promise<void>;
  restore(dump: Readable, report: Report, signal: AbortSignal): Promise<void>;
  /**
   * Who was refused on this side, which a switch has closed, since then (milliseconds of the epoch); newest first, as far as
   * the engine tells (invariant 6).
   */
  strays?(since: number): Promise<Stray[]>;
  /** Removes what `follow` made (subscription, marker schema); the data stays. Idempotent. */
  close(migration: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The way back (invariant 7): how the side that an app leaves becomes the copy of the side that it goes to. Nothing is copied,
 * since both are equal at the turn. The stream back has its own id: with it `TargetStore.follow` and all that comes after it
 * are asked, as for any other stream.
 */
export interface WayBack {
  /**
   * While this side still serves: proves with a real probe that the other side's stream can be followed from here (address,
   * account, rights, versions). The app notices nothing, and nothing of the probe is left.
   */
  prove(stream: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void>;
  /**
   * After the switch, on the sealed side: a copy of the other side from the turn on, which `TargetStore.follow` continues. It
   * stays sealed. Idempotent, also after a crash at any point; once it follows, a second call changes nothing.
   */
  begin(
    stream: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    turn: string | null,
    signal: AbortSignal,
  ): Promise<void>;
}
