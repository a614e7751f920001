import { type Change, Dirty } from './dirty.ts';
import { Mappings } from './mapped.ts';
import { join, type TreePath } from './names.ts';
import type { Place } from './place.ts';
import { vanished } from './rooted.ts';
import { listing } from './walk.ts';
import { Watcher } from './watcher.ts';

/** Which paths may have changed, and whether that is all of them. */
export class Hints {
  readonly dirty = new Dirty();
  readonly #place: Place;
  readonly #watcher: Watcher;
  readonly #mappings: Mappings;
  readonly #on: { change: () => void; loss: () => void };
  /** How often hints were lost, and up to which loss a scan has made up for it. At first everything is unknown. */
  #losses = 1;
  #madeUp = 0;

  constructor(place: Place, on: { change: () => void; loss: () => void }) {
    this.#place = place;
    this.#on = on;
    this.#mappings = new Mappings(place.tree);
    const heard = { changed: (path: TreePath) => this.add({ path }), lost: () => this.#lose() };
    this.#watcher = new Watcher(place.tree, place.ignore, place.stateFolder, heard, place.maxWatches);
  }

  get losses(): number {
    return this.#losses;
  }

  /** Everything was compared after the last loss, and all of the tree is watched. */
  get whole(): boolean {
    return this.#madeUp === this.#losses && !this.#watcher.blind;
  }

  /** A scan has come to its end at least once. */
  get compared(): boolean {
    return this.#madeUp > 0;
  }

  add(change: Omit<Change, 'since'>, since?: number): void {
    if (!this.dirty.add(change, since)) this.#lose();
    this.#on.change();
  }

  /** A scan that began at this count of losses has ended. */
  compareEnded(losses: number): void {
    this.#madeUp = losses;
  }

  /** When it resolves, every change made before the call is dirty, or hints were lost. */
  barrier(): Promise<void> {
    return this.#watcher.barrier();
  }

  /** Files that may be written without an event. */
  async addMapped(): Promise<void> {
    for (const path of await this.#mappings.look()) if (!this.#place.ignore(path)) this.add({ path });
  }

  /** A directory that is not watched yet is new here: watched first, then what is in it is looked at in its turn. */
  look(dir: TreePath): 'known' | 'new' | 'replaced' {
    try {
      const seen = this.#watcher.ensure(dir);
      if (seen !== 'known') this.#addAllIn(dir);
      return seen;
    } catch (error) {
      if (!vanished(error)) throw error;
      this.#watcher.forget(dir);
      return 'known';
    }
  }

  /**
   * A scan comes to a directory. What it watches anew while hints are complete is handed over at once, since a marker does
   * not wait for this scan; while they are not, a marker waits for a scan of its own.
   */
  enter(dir: TreePath): void {
    const seen = this.#watcher.ensure(dir);
    if (seen === 'known' || !this.whole) return;
    this.add({ path: dir, replaced: seen === 'replaced' });
    this.#addAllIn(dir);
  }

  close(): void {
    this.#watcher.close();
  }

  #addAllIn(dir: TreePath): void {
    for (const page of listing(this.#place.tree, dir, this.#place.ignore))
      for (const [name] of page.names) this.add({ path: join(dir, name) });
  }

  #lose(): void {
    this.#losses++;
    this.#on.loss();
  }
}
