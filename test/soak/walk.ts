import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from '../../src/protocol/migration.ts';
import { failureOf, Moves } from '../tally/moves.ts';
import type { Tallying } from '../tally/visitors.ts';
import type { Figures, Switched } from './figures.ts';
import { otherThan, type Region, type World } from './world.ts';

export interface WalkOptions {
  switches: number;
  /** On average; at random from none to twice that. */
  secondsBetween: number;
  random: () => number;
  tell(line: string): void;
  /** After each switch. */
  afterSwitch(done: number, serving: Region): Promise<void>;
}

/** Of the times where it may be done, how often a way back is ended, a move is given up, and visitors come in elsewhere. */
const odds = { complete: 0.12, abort: 0.2, retarget: 0.3 };
/** A phase may find a copy that has to catch up first, or back out: it is run again that often, after a pause. */
const tries = 6;
const pauseMs = 2_000;

/**
 * Switches and rollbacks in a row, and now and then the end of a way back, a fresh move the other way, or one that is given
 * up before its switch. What is done, in which order, is the same for the same seed.
 */
export class Walk {
  serving: Region = 'west';
  readonly #world: World;
  readonly #visitors: Tallying;
  readonly #figures: Figures;
  readonly #options: WalkOptions;
  readonly #moves: Moves;
  /** The migration whose way back is open, and the phase that takes it. */
  #open: { id: string; next: Switched['phase'] } | undefined;

  constructor(world: World, visitors: Tallying, figures: Figures, options: WalkOptions) {
    this.#world = world;
    this.#visitors = visitors;
    this.#figures = figures;
    this.#options = options;
    this.#moves = new Moves(world.api);
  }

  async all(): Promise<void> {
    const { switches, secondsBetween, random, afterSwitch } = this.#options;
    while (this.#figures.switched.length < switches) {
      if (this.#open && random() < odds.complete) await this.#complete(this.#open.id);
      this.#open ??= await this.#fresh();
      await this.#switch(this.#open);
      await afterSwitch(this.#figures.switched.length, this.serving);
      if (random() < odds.retarget) this.#visitors.retarget(this.#world.urls[random() < 0.5 ? 'west' : 'east']);
      await sleep(random() * 2 * secondsBetween * 1000);
    }
  }

  /** A move of its own, up to where only the switch is left. */
  async #fresh(): Promise<{ id: string; next: 'finalize' }> {
    for (;;) {
      const migration = await this.#moves.create(this.serving, otherThan(this.serving));
      assertWell(migration);
      await this.#run(migration.id, 'prepare');
      const given = this.#options.random() < odds.abort;
      if (given && this.#options.random() < 0.5) {
        await this.#abort(migration.id);
        continue;
      }
      await this.#run(migration.id, 'data');
      this.#figures.fresh++;
      if (!given) return { id: migration.id, next: 'finalize' };
      await this.#abort(migration.id);
    }
  }

  async #switch(open: { id: string; next: Switched['phase'] }): Promise<void> {
    const { switched } = this.#figures;
    const began = performance.now();
    const { report } = await this.#run(open.id, open.next);
    const last = report.switches.at(-1)!;
    if (last.outcome !== 'switched') throw new Error(`the newest switch of ${open.id} was not made: ${last.reason}`);
    switched.push({ phase: open.next, report: last, tookMs: performance.now() - began });
    this.serving = otherThan(this.serving);
    const wayBack = report.wayBack?.open ? '' : `; no way back: ${report.wayBack?.reason}`;
    const seconds = (switched.at(-1)!.tookMs / 1000).toFixed(1);
    this.#options.tell(
      `${switched.length}. ${open.next} to ${this.serving}: ${seconds} s, freeze ${last.freezeMs.toFixed(1)} ms, ${last.held} held${wayBack}`,
    );
    if (!report.wayBack?.open) throw new Error(`the way back of ${open.id} is not open: ${report.wayBack?.reason}`);
    open.next = open.next === 'finalize' ? 'rollback' : 'finalize';
  }

  /** The old side is removed, as a user does before moving there again; visitors have left its door by then. */
  async #complete(id: string): Promise<void> {
    await this.#run(id, 'complete');
    this.#visitors.retarget(this.#world.urls[this.serving]);
    await this.#visitors.settled();
    await this.#world.api.apps.remove({ app: 'tally', region: otherThan(this.serving) });
    this.#figures.completed++;
    this.#options.tell(`completed; ${this.serving} serves alone`);
    this.#open = undefined;
  }

  async #abort(id: string): Promise<void> {
    await this.#run(id, 'abort');
    this.#figures.aborted++;
    this.#options.tell('a move was given up before its switch');
  }

  async #run(id: string, phase: 'prepare' | 'data' | Switched['phase'] | 'complete' | 'abort'): Promise<Migration> {
    for (let attempt = 1; ; attempt++) {
      const migration = await this.#moves.run(id, phase);
      const failure = failureOf(migration, phase);
      if (!failure) return migration;
      this.#figures.notMade.push(`${phase}: ${failure}`);
      this.#options.tell(`${phase} was not made: ${failure}`);
      if (attempt === tries) throw new Error(`${phase} of ${id} was tried ${tries} times: ${failure}`);
      await sleep(pauseMs);
    }
  }
}

function assertWell(migration: Migration): void {
  const failure = failureOf(migration, 'preflight');
  if (failure) throw new Error(`the migration from ${migration.source} cannot be made: ${failure}`);
}
