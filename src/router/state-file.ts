import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../base/atomic-file.ts';
import { log } from '../base/log.ts';
import { Gate } from '../protocol/gate.ts';
import { Ports } from './config.ts';

const StoredGate = z.object({ gate: Gate, deadline: z.number() });
export const RouterState = z.object({ ports: Ports.nullable(), gates: z.array(StoredGate) });
export type RouterState = z.infer<typeof RouterState>;

export const Certificate = z.object({ host: z.string(), cert: z.string(), key: z.string() });
export type Certificate = z.infer<typeof Certificate>;

/**
 * The router's memory. A crash of the router alone must not lose a hold that it has acknowledged, so `save` has replaced
 * the file when it returns; that takes a fraction of a millisecond, since it does not wait for the disk. A crash of the
 * machine is another matter: it takes the apps with it, and the agent says everything anew when it comes back. The file
 * is flushed to the disk in the background, where no request waits for it.
 */
export class StateFile {
  readonly #path: string;
  #flushing: Promise<void> | undefined;
  #again = false;

  constructor(path: string) {
    this.#path = path;
  }

  load(): RouterState {
    return RouterState.parse(readJson(this.#path) ?? { ports: null, gates: [] });
  }

  save(state: RouterState): void {
    const temporary = `${this.#path}.${process.pid}.tmp`;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, this.#path);
    this.#again = true;
    this.#flushing ??= this.#flush();
  }

  /** Resolves when everything saved is on the disk. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  loadCertificates(): Certificate[] {
    return z.array(Certificate).parse(readJson(this.#certificates) ?? []);
  }

  /** Kept apart: they are large and change seldom. */
  saveCertificates(certificates: Certificate[]): void {
    writeJsonAtomic(this.#certificates, certificates);
  }

  get #certificates(): string {
    return `${this.#path}.certificates`;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        for (const path of [this.#path, dirname(this.#path)]) await sync(path);
      }
    } catch (error) {
      log.error({ path: this.#path, detail: String(error) }, 'the state could not be flushed to the disk');
    } finally {
      this.#flushing = undefined;
    }
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
