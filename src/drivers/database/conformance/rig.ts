import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deadline, FollowTicket, SourceEndpoint, SourceStore, TargetStore } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import type { Items, Subject } from './subject.ts';
import { Tunnel } from './tunnel.ts';

export const never = new AbortController().signal;
export const soon = (ms = 10_000): Deadline => ({ at: performance.now() + ms, signal: new AbortController().signal });

/** Two databases, the two roles of a move between them, and the app's connections. Everything is gone after `dispose`. */
export class Rig {
  readonly subject: Subject;
  readonly migration = randomUUID();
  readonly folder = mkdtempSync(join(tmpdir(), 'storky-conformance-'));
  here!: DatabaseInstance;
  there!: DatabaseInstance;
  source!: SourceStore;
  target!: TargetStore;
  ticket!: FollowTicket;
  from!: SourceEndpoint;
  readonly #instances: DatabaseInstance[] = [];
  readonly #items: Items[] = [];
  #tunnel: Tunnel | undefined;

  constructor(subject: Subject) {
    this.subject = subject;
    // The databases' account has to pass through it.
    chmodSync(this.folder, 0o711);
  }

  async provision(name: string): Promise<DatabaseInstance> {
    const { engine, names } = this.subject;
    const version = (await engine.versions()).at(-1)!;
    const folder = join(this.folder, name);
    const instance = await engine.provision({ ...names, app: 'shop', addon: name, version, folder });
    if (!this.#instances.some((known) => known.folder === instance.folder)) this.#instances.push(instance);
    return instance;
  }

  async items(instance: DatabaseInstance): Promise<Items> {
    const items = await this.subject.connect(instance);
    this.#items.push(items);
    return items;
  }

  async way(): Promise<SourceEndpoint> {
    if (this.subject.endpoint) return this.subject.endpoint(this.here);
    this.#tunnel ??= await Tunnel.to(this.here);
    return this.#tunnel;
  }

  follow(): Promise<void> {
    return this.target.follow(this.migration, this.ticket, this.from, never);
  }

  async differences(): Promise<string[]> {
    return (await this.target.verify(this.migration, this.ticket, this.from, () => {}, never)).differences;
  }

  /** Everything that happens before anything is held. */
  async makeReady(): Promise<void> {
    await this.target.rehearse(this.migration, this.from, never);
    await this.source.ready(this.migration);
  }

  /** The target waits for the marker of the epoch; `mark` writes it, and tells the target what the source gave. */
  await(epoch: number, deadline = soon()): { applied: Promise<{ detail: string }>; mark(): Promise<void> } {
    const proof = Promise.withResolvers<string | null>();
    const applied = this.target.applied(this.migration, epoch, deadline, proof.promise);
    applied.catch(() => {});
    const mark = async () => proof.resolve((await this.source.mark(this.migration, epoch, soon())) ?? null);
    return { applied, mark };
  }

  async dispose(): Promise<void> {
    for (const items of this.#items) await items.close().catch(() => {});
    await this.source?.[Symbol.asyncDispose]();
    await this.target?.[Symbol.asyncDispose]();
    this.#tunnel?.close();
    for (const instance of this.#instances) await this.subject.engine.destroy(instance);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
