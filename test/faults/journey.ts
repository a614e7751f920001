import { setTimeout as sleep } from 'node:timers/promises';
import { statusAfter } from '../../src/control/migrations/status.ts';
import { StorkyError } from '../../src/protocol/errors.ts';
import { isOver, type Migration, type Phase, restingStatuses } from '../../src/protocol/migration.ts';
import { waitFor } from '../support/wait-for.ts';
import { failureOf } from '../tally/moves.ts';
import { after, type Position } from './route.ts';
import { otherThan, type RegionName, type World } from './world.ts';

const app = 'tally';
/** A phase that a fault has hit ends in this time, well or not. Unreachable regions are tried again for two minutes. */
const patienceMs = 240_000;
/** A phase that failed with a clear error is run again that often. */
const tries = 6;
const pauseMs = 3_000;

/** Where a world's app is on its way between the two regions: one migration at a time, phase by phase. */
export class Journey {
  position: Position = 'home';
  serving: RegionName = 'west';
  readonly #world: World;
  #id: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  get #api() {
    return this.#world.stage.api;
  }

  /** Asks for the phase; where the answer is lost with the server, `rest` finds out what became of it. */
  async begin(phase: Phase): Promise<void> {
    if (phase === 'preflight' && this.#id === undefined) {
      const order = { app, from: this.serving, destination: otherThan(this.serving) };
      this.#id = (await this.#api.migrations.create(order)).id;
    } else await this.#api.migrations.run({ app, id: this.#id!, step: phase });
  }

  /** The migration, when no phase of it runs; undefined where none was created. */
  async rest(signal?: AbortSignal): Promise<Migration | undefined> {
    const look = async () => {
      if (signal?.aborted) return 'given up';
      const migration = await this.#newest();
      return !migration || restingStatuses.includes(migration.status) ? { migration } : undefined;
    };
    const found = await waitFor(look, { timeout: patienceMs, every: 100, what: `the end of the phase` });
    return found === 'given up' ? undefined : found.migration;
  }

  async #newest(): Promise<Migration | undefined> {
    if (this.#id) return await this.#api.migrations.show({ app, id: this.#id });
    const open = (await this.#api.migrations.list({ app })).find((migration) => !isOver(migration));
    this.#id = open?.id;
    return open;
  }

  /**
   * Until the phase, which was begun, has ended well: again where it failed, or `instead` taken back. What was said when it
   * failed goes to `failed`.
   */
  async finish(phase: Phase, failed: string[], instead?: 'abort'): Promise<Phase> {
    let [now, attempt] = [phase, 1];
    for (;;) {
      const migration = await this.rest();
      if (migration?.status === statusAfter(now)) break;
      failed.push(`${now}: ${migration ? failureOf(migration, now) : 'it was not begun'}`);
      if (attempt++ === tries) throw new Error(`${now} did not end well in ${tries} tries: ${failed.at(-1)}`);
      await sleep(pauseMs);
      if (instead && migration && now !== instead) now = instead;
      await this.begin(now).catch((error: Error) => failed.push(`${now} was refused: ${said(error)}`));
    }
    await this.#arrived(now);
    return now;
  }

  /** Without a fault. */
  async run(phase: Phase): Promise<void> {
    const failed: string[] = [];
    await this.begin(phase);
    await this.finish(phase, failed);
  }

  /** A way back is given up before it fills a disk: then there is only the end of the migration. */
  async lookBack(): Promise<void> {
    if (!['switched', 'back'].includes(this.position)) return;
    const migration = await this.#newest();
    if (!migration?.report.wayBack?.open) this.position = 'no way back';
  }

  async #arrived(phase: Phase): Promise<void> {
    this.position = phase === 'abort' ? 'home' : after(this.position, phase);
    if (phase === 'finalize' || phase === 'rollback') this.serving = otherThan(this.serving);
    if (this.position === 'home') this.#id = undefined;
    if (phase === 'complete') await this.#moveIn();
  }

  /** As a user does before moving there again: DNS has moved, and the old side is removed. */
  async #moveIn(): Promise<void> {
    const { visitors } = this.#world;
    visitors.retarget(this.#world.region(this.serving).url);
    await visitors.settled();
    await this.#api.apps.remove({ app, region: otherThan(this.serving) });
  }
}

const said = (error: Error): string =>
  error instanceof StorkyError ? `${error.message} ${error.remedy}` : error.message;
