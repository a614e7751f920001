import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';

const ProcessEntry = z.object({
  /** Unique for each start. */
  run: z.string(),
  type: z.string(),
  index: z.number().int(),
  port: z.number().int().nullable(),
  handle: z.looseObject({ runtime: z.string() }).and(z.record(z.string(), z.union([z.string(), z.number()]))),
  /** Digest of what it was started with; another one means that it is out of date. */
  spec: z.string(),
  folder: z.string(),
  command: z.string(),
  stopTimeoutMs: z.number(),
  since: z.iso.datetime(),
  /** It passed its health check, so that an agent that comes back leaves it in the gate. */
  ready: z.boolean(),
  restarts: z.number().int(),
});
export type ProcessEntry = z.infer<typeof ProcessEntry>;

const Table = z.object({ processes: z.array(ProcessEntry) });

/** What runs, durably: written before a process begins, so that after any crash each is found, and none is started twice. */
export class ProcessTable {
  readonly #path: string;
  #entries: ProcessEntry[];

  constructor(path: string) {
    this.#path = path;
    this.#entries = Table.parse(readJson(path) ?? { processes: [] }).processes;
  }

  entries(): readonly ProcessEntry[] {
    return this.#entries;
  }

  put(entry: ProcessEntry): void {
    this.#write([...this.#entries.filter(({ run }) => run !== entry.run), entry]);
  }

  drop(run: string): void {
    this.#write(this.#entries.filter((entry) => entry.run !== run));
  }

  #write(entries: ProcessEntry[]): void {
    writeJsonAtomic(this.#path, { processes: entries });
    this.#entries = entries;
  }
}
