import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import type { Pressure } from '../../protocol/migration.ts';
import { Doubt } from './doubt.ts';
import { Bucket, StorePace } from './pace.ts';

/** What the source says of itself, milliseconds: how the app answers, and how long a moment's work took in each store. */
export interface Reading {
  requests: { window: { count: number; p99Ms: number }; whole: { count: number; p99Ms: number } };
  pulses: Record<string, number>;
}

/** So many requests in the window, or its tail says nothing. */
const enoughRequests = 20;
/** Bytes a second: slower than this a copy would not end, and hurts nobody. */
const slowest = 500_000;
const lookEveryMs = 1_000;
const longestRestMs = 2_000;
/** How far back the measure of the requests may reach (router/gate/latency.ts). */
const windowMs = 10_000;
/** So long after a copy nothing of it is measured any more, and what is measured is normal. */
const idleMs = 30_000;

/** Clearly worse than before: twice as long, and more than what noise makes of a quick answer. */
export const isPressed = (now: number, before: number): boolean => now > Math.max(2 * before, before + 20);

/** Bytes a second, after a second in which `used` passed: less at once, more by and by (additive rules are too slow here). */
export function nextRate(rate: number, used: number, limit: number, pressed: boolean, floor = slowest): number {
  if (pressed) return Math.min(limit, Math.max(floor, Math.min(rate, used) * 0.6));
  // Nobody waited for it: it is not what holds the copy back.
  if (used < rate * 0.5) return limit;
  return Math.min(limit, rate * 1.25);
}

/**
 * The pace of one migration. While anything of it is copied, the source is asked each second how its app fares; where that
 * is clearly worse than before the copy, the copy slows down, and it recovers with the app. It ends where a user insists on a pace.
 */
export class Governor {
  readonly #bucket = new Bucket();
  readonly #stores = new Map<string, StorePace>();
  readonly #ask: () => Promise<Reading>;
  readonly #tell: (pressure: Pressure) => void;
  #limit = Number.POSITIVE_INFINITY;
  #insists = false;
  readonly #doubt = new Doubt();
  #now: number | undefined;
  #endedAt: number | undefined;
  #known: Pressure;
  #timer: NodeJS.Timeout | undefined;
  #active = 0;
  #pressed = false;
  #used = 0;
  #rested = 0;
  #lookedAt = 0;
  #looking: Promise<void> | undefined;

  constructor(ask: () => Promise<Reading>, known: Pressure | undefined, tell: (pressure: Pressure) => void) {
    this.#ask = ask;
    this.#tell = tell;
    this.#known = known ?? {
      by: null,
      beforeP99Ms: null,
      duringP99Ms: null,
      bytes: 0,
      seconds: 0,
      heldBackMs: 0,
      lowestBytesPerSecond: null,
    };
  }

  /** Bytes a second; null: as fast as the source bears. Holds at once. With `insists` nothing slows it down further. */
  limitTo(limit: number | null, insists: boolean): void {
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    this.#bucket.rate = this.#limit;
    this.#insists = insists;
    if (insists) this.#pressed = false;
    this.#letGo();
  }

  get insists(): boolean {
    return this.#insists;
  }

  pace(store: string): StorePace {
    const pace = this.#stores.get(store) ?? new StorePace(this.#bucket);
    this.#stores.set(store, pace);
    return pace;
  }

  /** Copies at the pace; nothing of the store is paced before or after. */
  async during<T>(store: string, work: () => Promise<T>): Promise<T> {
    return this.watching(() => this.pace(store).during(work));
  }

  /** What reads on the source without a copy's streams: asks for a `rest` between its parts. */
  async watching<T>(work: () => Promise<T>): Promise<T> {
    this.#active++;
    try {
      if (this.#active === 1) await this.#begin();
      return await work();
    } finally {
      if (--this.#active === 0) await this.#end();
    }
  }

  /** Resolves when the source bears more work, or after the longest rest: a comparison has to end too. */
  async rest(): Promise<void> {
    const began = performance.now();
    while (this.#bucket.held || (this.#pressed && performance.now() - began < longestRestMs)) {
      await sleep(100);
      this.#rested += 100;
    }
  }

  /** The first look is before anything is copied: what is normal here, and after a while it may be something else. */
  async #begin(): Promise<void> {
    this.#used = this.#bytes();
    await this.#look();
    if (this.#endedAt !== undefined && performance.now() - this.#endedAt > idleMs) this.#isNormal();
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, lookEveryMs);
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#look();
    this.#letGo();
    this.#bucket.rate = this.#limit;
    this.#endedAt = performance.now();
  }

  /** A source that does not answer is not pressed harder: the pace stays as it is. Never rejects: a timer calls it. */
  async #look(): Promise<void> {
    const now = performance.now();
    const seconds = this.#lookedAt === 0 || now - this.#lookedAt > 5_000 ? 0 : (now - this.#lookedAt) / 1000;
    this.#lookedAt = now;
    const bytes = this.#bytes() - this.#used;
    this.#used += bytes;
    this.#now = undefined;
    try {
      this.#learn(await this.#ask());
    } catch (error) {
      log.warn({ detail: String(error) }, 'the source does not say how it fares');
    }
    // What passed while it was held says nothing of the rate.
    if (seconds > 0 && !this.#bucket.held)
      this.#bucket.rate = nextRate(this.#bucket.rate, bytes / seconds, this.#limit, this.#pressed, this.#floor());
    this.#judge();
    this.#remember(bytes, seconds);
  }

  #learn({ requests, pulses }: Reading): void {
    const known = this.#known;
    const slowest = Math.max(0, ...Object.values(pulses));
    const byRequests = requests.window.count >= enoughRequests;
    known.by ??= byRequests ? 'requests' : 'stores';
    // What was measured before is what can be compared with.
    if (known.by === 'requests' && !byRequests) {
      this.#pressed = false;
      return;
    }
    const now = known.by === 'requests' ? requests.window.p99Ms : slowest;
    this.#now = now;
    if (known.beforeP99Ms === null) known.beforeP99Ms = now;
    else known.duringP99Ms = Math.max(known.duringP99Ms ?? 0, known.by === 'requests' ? requests.whole.p99Ms : slowest);
    const pressed = isPressed(now, known.beforeP99Ms) && !this.#insists;
    if (pressed !== this.#pressed) log.info({ pressed, nowMs: now, beforeMs: known.beforeP99Ms }, 'pressure');
    this.#pressed = pressed;
  }

  /** Slowed down as far as may be, in vain: then it is held for a moment, to see how the source fares without it. */
  #judge(): void {
    const pressed = this.#now === undefined ? undefined : this.#pressed;
    const settledMs = this.#known.by === 'requests' ? windowMs : 0;
    const verdict = this.#doubt.look(performance.now(), pressed, this.#bucket.rate <= this.#floor(), settledMs);
    if (verdict === undefined) return;
    log.info({ verdict, nowMs: this.#now, beforeMs: this.#known.beforeP99Ms }, 'is it the copy?');
    if (verdict === 'it was not the copy') this.#isNormal();
    this.#bucket.held = verdict === 'hold';
  }

  /** What was measured last is what later answers are compared with. */
  #isNormal(): void {
    if (this.#now === undefined) return;
    this.#known.beforeP99Ms = this.#now;
    this.#pressed = false;
  }

  #letGo(): void {
    this.#doubt.forget();
    this.#bucket.held = false;
  }

  #remember(bytes: number, seconds: number): void {
    const known = this.#known;
    const { rate } = this.#bucket;
    known.bytes += bytes;
    known.seconds += seconds;
    const rests = [...this.#stores.values()].map((pace) => pace.takeHeldBack());
    known.heldBackMs += Math.round(rests.reduce((sum, ms) => sum + ms, this.#rested));
    this.#rested = 0;
    if (rate < this.#limit) known.lowestBytesPerSecond = Math.round(Math.min(known.lowestBytesPerSecond ?? rate, rate));
    try {
      this.#tell({ ...known });
    } catch (error) {
      // On a full disk, for example. It is a figure, and no reason to end a copy.
      log.warn({ detail: String(error) }, 'how the source fared could not be written down');
    }
  }

  /** The stores that are copied share the rate, and none of them may come below what it needs. */
  #floor(): number {
    const needs = [...this.#stores.values()].flatMap(({ atLeast }) => atLeast ?? []);
    return Math.max(slowest, needs.length * Math.max(0, ...needs));
  }

  #bytes(): number {
    return [...this.#stores.values()].reduce((sum, pace) => sum + pace.bytes, 0);
  }
}
