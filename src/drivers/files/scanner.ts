import { ListDigest } from './list-digest.ts';
import type { TreePath } from './names.ts';
import type { Place } from './place.ts';
import { listing, walk } from './walk.ts';
import type { Wire } from './wire.ts';

/**
 * The truth behind the hints: compares the whole tree with the target's ledger. The source sends a digest of each
 * directory; for those that differ the target wants the listing, and answers with the paths in doubt, which become dirty.
 */
export class Scanner {
  readonly #place: Place;
  readonly #wire: Wire;
  readonly #enter: (dir: TreePath) => void;
  readonly #wants: TreePath[] = [];
  readonly #echoes = new Map<number, (arrived: boolean) => void>();
  #serial = 0;
  #running: Promise<void> | undefined;

  constructor(place: Place, wire: Wire, enter: (dir: TreePath) => void) {
    this.#place = place;
    this.#wire = wire;
    this.#enter = enter;
  }

  /** A scan that begins after this call. What differs was handed over when it resolves. */
  async scan(): Promise<void> {
    while (this.#running) await this.#running.catch(() => {});
    this.#running = this.#once();
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  want(dir: TreePath): void {
    this.#wants.push(dir);
  }

  echo(id: number): void {
    this.#echoes.get(id)?.(true);
    this.#echoes.delete(id);
  }

  close(): void {
    for (const arrived of this.#echoes.values()) arrived(false);
  }

  async #once(): Promise<void> {
    let digest = new ListDigest();
    for await (const page of walk(this.#place.tree, this.#place.ignore, this.#enter)) {
      for (const [name, sig] of page.names) digest.add(name, sig);
      if (!page.last) continue;
      await this.#wire.send({ t: 'dir', path: page.dir, digest: digest.value() });
      digest = new ListDigest();
      await this.#sendListings();
    }
    await this.#roundTrip(false); // after it, every directory that differs has been asked for
    await this.#sendListings();
    await this.#roundTrip(true); // after it, everything in doubt has been named
  }

  async #sendListings(): Promise<void> {
    for (let dir = this.#wants.shift(); dir !== undefined; dir = this.#wants.shift())
      for (const page of listing(this.#place.tree, dir, this.#place.ignore))
        await this.#wire.send({ t: 'listing', ...page });
  }

  async #roundTrip(whole: boolean): Promise<void> {
    const id = ++this.#serial;
    const echoed = new Promise<boolean>((resolve) => this.#echoes.set(id, resolve));
    await this.#wire.send({ t: 'scanned', id, whole });
    if (!(await echoed)) throw new Error('the stream ended during a scan');
  }
}
