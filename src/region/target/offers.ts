import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';

const Offer = z.object({ migration: z.uuid(), addresses: z.record(z.string(), z.string()) });

/**
 * The addresses of databases that were given for a move to here: they stay with this agent. One file an app, so that what a
 * migration left that came to nothing goes with the next one's.
 */
export class Offers {
  readonly #folder: string;

  constructor(dataFolder: string) {
    this.#folder = join(dataFolder, 'offers');
  }

  put(app: string, migration: string, addresses: Record<string, string>): void {
    this.#forget(app);
    if (Object.keys(addresses).length > 0) writeJsonAtomic(this.#path(app), { migration, addresses });
  }

  /** By the addon's name. */
  of(app: string, migration: string): Record<string, string> {
    const json = readJson(this.#path(app));
    const known = json === undefined ? undefined : Offer.parse(json);
    return known?.migration === migration ? known.addresses : {};
  }

  delete(app: string, migration: string): void {
    if (Object.keys(this.of(app, migration)).length > 0) this.#forget(app);
  }

  #forget(app: string): void {
    rmSync(this.#path(app), { force: true });
  }

  #path = (app: string) => join(this.#folder, `${app}.json`);
}
