import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const lookEveryMs = 2;

/** The points at which a process of the world can be made to stand still (src/base/failpoint.ts). */
export class Points {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  get env(): Record<string, string> {
    return { STORKY_FAILPOINTS: this.folder };
  }

  arm(name: string): Point {
    const file = join(this.folder, name);
    writeFileSync(file, '');
    return {
      async reached(signal) {
        while (!existsSync(`${file}.reached`)) await sleep(lookEveryMs, undefined, { signal });
      },
      release() {
        rmSync(file, { force: true });
        rmSync(`${file}.reached`, { force: true });
      },
    };
  }
}

export interface Point {
  /** Resolves when a process stands there. */
  reached(signal: AbortSignal): Promise<void>;
  /** It goes on, and none stands there any more. Idempotent. */
  release(): void;
}
