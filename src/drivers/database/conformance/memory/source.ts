import { Readable } from 'node:stream';
import type { Deadline, Finding, FollowTicket, Measure, SourceStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { hasServer, type MemoryServer, serverAt } from './server.ts';

export class MemorySource implements SourceStore {
  readonly #instance: DatabaseInstance;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  get #server(): MemoryServer {
    return serverAt(this.#instance);
  }

  check = async (): Promise<Finding[]> => [];
  fingerprint = async (): Promise<string> => 'items';
  ready = async (): Promise<void> => {};

  async measure(): Promise<Measure> {
    return { bytes: this.#server.items.size * 100, items: this.#server.items.size, notMoved: [] };
  }

  async open(migration: string): Promise<{ ticket: FollowTicket; fresh: boolean }> {
    const fresh = !this.#server.opened.has(migration);
    this.#server.opened.add(migration);
    return { ticket: { folder: this.#instance.folder }, fresh };
  }

  /** The log is there anyway. A real engine would hold it back from here on. */
  async openWayBack(stream: string): Promise<FollowTicket> {
    return (await this.open(stream)).ticket;
  }

  async retained(stream: string): Promise<number> {
    return this.#server.opened.has(stream) ? this.#server.log.length * 100 : 0;
  }

  async fence(_deadline: Deadline): Promise<void> {
    this.#server.fence();
  }

  async mark(migration: string, epoch: number): Promise<void> {
    this.#server.append({ kind: 'marker', migration, epoch });
  }

  async seal(): Promise<void> {
    this.#server.sealed = true;
    this.#server.role = 'normal';
    this.#server.unfence();
  }

  async unfence(): Promise<void> {
    this.#server.sealed = false;
    this.#server.unfence();
  }

  async backup(): Promise<Readable> {
    return Readable.from([JSON.stringify([...this.#server.items])]);
  }

  async close(migration: string): Promise<void> {
    this.#server.opened.delete(migration);
  }

  /** A fence ends with the process that raised it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (hasServer(this.#instance)) this.#server.unfence();
  }
}
