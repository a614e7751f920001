import type { DatabaseInstance } from '../../contract.ts';

/** What passes in the stream: a write, or the marker of a switch. */
export type Entry = { kind: 'write'; id: number; value: string } | { kind: 'marker'; migration: string; epoch: number };

/** A database in this process's memory. Its fields are what a real one keeps on disk. */
export class MemoryServer {
  running = true;
  readonly items = new Map<number, string>();
  /** Every change ever made here by others than a stream, in order; a position is an index. So no stream carries an echo. */
  readonly log: Entry[] = [];
  /** Streams that are followed from here. */
  readonly opened = new Set<string>();
  /** How much of each stream was applied here. */
  readonly applied = new Map<string, number>();
  role: 'normal' | 'standby' | 'active' = 'normal';
  /** Independent of the role: the side that a switch left may be followed into, and read, and stays shut. */
  sealed = false;
  /** It was, before it was let be read as a copy. */
  wasSealed = false;
  #fence: PromiseWithResolvers<void> | undefined;
  readonly #readers = new Set<() => void>();

  /** As the app writes. Waits while it is fenced; what waits when the seal comes is refused. */
  async write(id: number, value: string): Promise<void> {
    await this.#fence?.promise;
    if (!this.running) throw new Error('the server does not run');
    if (this.sealed) throw new Error('refused: it is sealed');
    if (this.role === 'standby') throw new Error('refused: it is a copy');
    this.append({ kind: 'write', id, value });
  }

  append(entry: Entry): void {
    if (entry.kind === 'write') this.items.set(entry.id, entry.value);
    this.log.push(entry);
    for (const reader of this.#readers) queueMicrotask(reader);
  }

  /** Calls back soon after every change, until the signal. */
  onChange(reader: () => void, signal: AbortSignal): void {
    this.#readers.add(reader);
    signal.addEventListener('abort', () => this.#readers.delete(reader), { once: true });
  }

  fence(): void {
    this.#fence ??= Promise.withResolvers();
  }

  unfence(): void {
    this.#fence?.resolve();
    this.#fence = undefined;
  }
}

const servers = new Map<string, MemoryServer>();

export const serverAt = ({ folder }: Pick<DatabaseInstance, 'folder'>): MemoryServer => servers.get(folder)!;
export const hasServer = ({ folder }: Pick<DatabaseInstance, 'folder'>): boolean => servers.has(folder);
export const removeServer = ({ folder }: Pick<DatabaseInstance, 'folder'>): boolean => servers.delete(folder);

export function createServer({ folder }: Pick<DatabaseInstance, 'folder'>): MemoryServer {
  const server = servers.get(folder) ?? new MemoryServer();
  servers.set(folder, server);
  return server;
}
