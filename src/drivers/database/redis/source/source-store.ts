import type { Readable } from 'node:stream';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline, Finding, FollowTicket, Measure, SourceStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { backupServer } from '../backup.ts';
import { dumpKeys } from '../external/dump.ts';
import { sealExternal, unsealExternal } from '../external/seal.ts';
import { replicationUser } from '../names.ts';
import { digestOf, readSurroundings, type Surroundings } from '../surroundings.ts';
import { whose } from '../ticket.ts';
import { adminOf, ask, type Client, withClient } from '../wire/connect.ts';
import type { Position } from '../wire/info.ts';
import { checkSource } from './check.ts';
import { Fence, lower } from './fence.ts';
import { measureSource } from './measure.ts';
import { closeSource, openSource } from './open.ts';
import { seal, unseal } from './seal.ts';

/** What the target needs to know its marker, and that users and settings are still those that it has. */
export interface Proof {
  word: string;
  surroundings: string;
}

export class RedisSource implements SourceStore {
  readonly #instance: DatabaseInstance;
  #fence: Fence | undefined;
  #giveUp = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  check(): Promise<Finding[]> {
    return this.#with((client) => checkSource(client, this.#instance));
  }

  measure(): Promise<Measure> {
    return this.#with(measureSource);
  }

  async fingerprint(): Promise<string> {
    return digestOf(await this.#with((client) => this.#surroundings(client)));
  }

  open(migration: string, copyLimit: number | null = null): Promise<{ ticket: FollowTicket; fresh: boolean }> {
    return this.#with((client) => openSource(this.#instance, client, migration, copyLimit));
  }

  /** A copy carries its own accounts, and the history that its copies can go on from: the same as on the side that serves. */
  async openWayBack(stream: string): Promise<FollowTicket> {
    return (await this.open(stream)).ticket;
  }

  async pulse(): Promise<void> {
    await this.#with((client) => ask(client, 'PING'));
  }

  async ready(migration: string): Promise<void> {
    const fence = await this.#openFence();
    const began = performance.now();
    const replicas = await ask<string>(fence.client, 'CLIENT', 'LIST', 'TYPE', 'REPLICA');
    // Asked and answered by the one thread that everything runs on: what is slow now would be slow in the freeze.
    const seconds = (performance.now() - began) / 1000;
    if (seconds > 1)
      throw new StorkyError('long_transaction', {
        store: 'The database',
        seconds: Math.round(seconds),
        detail: 'commands that keep the server busy',
      });
    if (!replicas.includes(` user=${replicationUser(migration)} `))
      throw new StorkyError('not_in_sync', { store: 'The database', detail: 'nobody follows it' });
  }

  async fence(deadline: Deadline): Promise<void> {
    const fence = this.#fence ?? (await this.#openFence());
    const signal = AbortSignal.any([deadline.signal, this.#giveUp.signal]);
    await this.#inTheFreeze(fence.raise({ at: deadline.at, signal }));
  }

  /** The marker was written by the fence, in the same moment; this tells what it was. */
  async mark(): Promise<string> {
    const fence = this.#fence;
    if (!fence) throw new StorkyError('internal', { detail: 'the marker was asked for before the fence' });
    const { word } = fence;
    const surroundings = digestOf(await this.#inTheFreeze(this.#surroundings(fence.client)));
    return JSON.stringify({ word, surroundings } satisfies Proof);
  }

  async seal(): Promise<void> {
    const fence = this.#fence;
    if (!fence) return await this.#with((client) => this.#seal(client));
    await this.#inTheFreeze(this.#seal(fence.client, fence.position));
  }

  async unfence(): Promise<void> {
    // The switch may back out while a part of it is still under way here. What ends later would pause again, or seal for
    // good: so all of it ends first.
    this.#giveUp.abort();
    await Promise.allSettled(this.#underWay);
    this.#giveUp = new AbortController();
    const fence = this.#fence;
    this.#fence = undefined;
    await fence?.lower().catch(() => {});
    fence?.[Symbol.dispose]();
    await this.#with(async (client) => {
      if (this.#instance.external) return await unsealExternal(this.#instance, client);
      await unseal(this.#instance, client);
      await lower(this.#instance, client);
    });
  }

  backup(): Promise<Readable> {
    const { external, guest } = this.#instance;
    // The snapshot of a container lies where only the container's server may look.
    return external || guest ? dumpKeys(this.#instance) : backupServer(this.#instance);
  }

  async close(migration: string): Promise<void> {
    this.#forgetFence();
    await this.#with((client) => closeSource(this.#instance, client, migration));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetFence();
  }

  #surroundings(client: Client): Promise<Surroundings> {
    return readSurroundings(client, whose(this.#instance));
  }

  #seal(client: Client, marked?: Position): Promise<void> {
    return this.#instance.external
      ? sealExternal(this.#instance, client, marked)
      : seal(this.#instance, client, marked);
  }

  async #openFence(): Promise<Fence> {
    if (await this.#fence?.usable()) return this.#fence!;
    this.#forgetFence();
    this.#fence = await Fence.open(this.#instance);
    return this.#fence;
  }

  #forgetFence(): void {
    this.#fence?.[Symbol.dispose]();
    this.#fence = undefined;
  }

  #inTheFreeze<T>(part: Promise<T>): Promise<T> {
    const tracked = part.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  #with<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return withClient(adminOf(this.#instance), 'storky source', use);
  }
}
