import { refused } from '../server/server.ts';
import type { Client } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';

/** Whole copies that may follow one upon another once the stream ran. */
const most = 3;

/**
 * A stream that breaks off faster than its backlog lasts is mended by another whole copy, which breaks off again: a load
 * on the source that helps nobody. The source counts its copies; after some the move stops and says why.
 */
export class CopyBudget {
  #server = '';
  #copies = 0;

  static async from(source: Client): Promise<CopyBudget> {
    const budget = new CopyBudget();
    await budget.look(source);
    return budget;
  }

  /** @throws StorkyError engine_refused */
  async look(source: Client): Promise<void> {
    const { run_id: server, sync_full: copies } = await infoOf(source, 'server', 'stats');
    // Another server process counts anew, and its first copy is due.
    if (server !== this.#server) [this.#server, this.#copies] = [server!, Number(copies)];
    if (Number(copies) - this.#copies > most)
      throw refused(
        `the stream was lost and copied anew ${Number(copies) - this.#copies} times`,
        'Mend the link between the regions, or raise repl-backlog-size on the source.',
      );
  }
}
