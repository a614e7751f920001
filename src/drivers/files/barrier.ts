import { randomBytes } from 'node:crypto';
import { type FSWatcher, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countEvent } from './flood.ts';

/** Of this process: a number of it may be another's after a restart. */
const ours = `barrier-${randomBytes(6).toString('hex')}-`;

/** Of processes that were killed; there is one agent, so whatever is not this one's is nobody's. */
export function removeOldBarriers(stateFolder: string): void {
  for (const name of readdirSync(stateFolder))
    if (name.startsWith('barrier-') && !name.startsWith(ours))
      rmSync(join(stateFolder, name), { recursive: true, force: true });
}

/**
 * Proves that every event up to now was delivered: all watches of a process share one queue, which keeps the order, so
 * when the event of a file that we touch arrives, those before it have arrived. In a folder of its own, outside the tree.
 */
export class Barrier {
  readonly #folder: string;
  readonly #watcher: FSWatcher;
  readonly #waiting = new Map<string, () => void>();
  #serial = 0;

  constructor(stateFolder: string) {
    this.#folder = mkdtempSync(join(stateFolder, ours));
    this.#watcher = watch(this.#folder, { persistent: false }, (_, name) => {
      countEvent();
      if (name === null) return;
      this.#waiting.get(name)?.();
      this.#waiting.delete(name);
    });
    this.#watcher.on('error', () => {});
  }

  /** False where the event did not come in time, which means that events were lost. */
  async pass(timeoutMs = 3000): Promise<boolean> {
    const name = String(this.#serial++);
    const file = join(this.#folder, name);
    const giveUp = new AbortController();
    const seen = new Promise<boolean>((resolve) => this.#waiting.set(name, () => resolve(true)));
    const late = sleep(timeoutMs, false, { signal: giveUp.signal }).catch(() => false);
    try {
      writeFileSync(file, '');
      return await Promise.race([seen, late]);
    } finally {
      giveUp.abort();
      this.#waiting.delete(name);
      rmSync(file, { force: true });
    }
  }

  close(): void {
    this.#watcher.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
