import type { Readable } from 'node:stream';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Stray } from '../../../../protocol/migration.ts';
import type { Report, TargetStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import type { Head } from '../backup.ts';
import { headOf } from '../head.ts';
import { saveUsers } from '../save-users.ts';
import { recall, remember } from '../server/memory.ts';
import { refused } from '../server/server.ts';
import { straysSince } from '../target/strays.ts';
import { adminOf, ask, type Client, withClient } from '../wire/connect.ts';
import { piecesOf } from './dump.ts';
import { loadKeys } from './load.ts';
import { piecesIn } from './pieces.ts';
import { emptyOut, rulesOfApp } from './take.ts';
import { unpacked } from './unpack.ts';

/** A server that Storky does not run, which a move fills by a backup. It follows nobody. */
export class ExternalTarget implements TargetStore {
  readonly #instance: DatabaseInstance;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  async restore(dump: Readable, report: Report, signal: AbortSignal): Promise<void> {
    if (!this.#instance.external?.before || recall(this.#instance).role === 'active')
      throw refused('no move has taken this server to fill it', 'Give the address of an empty one.');
    const { head, rest } = await headOf<Head>(dump);
    await this.#with(async (client) => {
      // What an attempt that was cut short has left. It was empty when it was taken.
      await emptyOut(client);
      if (head.keys) return await loadKeys(client, piecesIn(rest), report, signal);
      await unpacked(this.#instance, rest, report, signal, (from) => loadKeys(client, piecesOf(from), report, signal));
    });
  }

  /** The app may read. What a switch has opened stays open. */
  async standby(): Promise<void> {
    if (recall(this.#instance).role === 'active') return;
    remember(this.#instance, (memory) => {
      memory.role = 'standby';
    });
    await this.#with((client) => this.#allow(client, '-@write'));
  }

  async activate(): Promise<void> {
    remember(this.#instance, (memory) => {
      memory.role = 'active';
    });
    await this.#with((client) => this.#allow(client));
  }

  strays(since: number): Promise<Stray[]> {
    return this.#with((client) => straysSince(this.#instance, client, since));
  }

  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}

  copy = followsNobody;
  follow = followsNobody;
  lag = followsNobody;
  healthy = followsNobody;
  verify = followsNobody;
  rehearse = followsNobody;
  applied = followsNobody;

  async #allow(client: Client, ...less: string[]): Promise<void> {
    const rules = rulesOfApp(this.#instance);
    await ask(client, 'ACL', 'SETUSER', this.#instance.user, 'reset', ...rules, ...less);
    await saveUsers(this.#instance, client);
  }

  #with<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return withClient(adminOf(this.#instance), 'storky target', use);
  }
}

async function followsNobody(): Promise<never> {
  throw new StorkyError('unsupported', {
    what: 'Following',
    detail: 'a Redis that Storky does not run follows nobody',
    hint: 'Use the carrier `backup`.',
  });
}
