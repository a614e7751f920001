import type { Readable } from 'node:stream';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Stray } from '../../../../protocol/migration.ts';
import type { Deadline, FollowTicket, Lag, Report, SourceEndpoint, TargetStore, VerifyResult } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { restoreServer } from '../backup.ts';
import { keepRole } from '../container/keep-role.ts';
import { titleOf } from '../dialect/of-server.ts';
import { readProof } from '../proof.ts';
import { clearRole, openStandby, roleOf, sealedBefore, setRole } from '../server/role.ts';
import { forgetSeal, letIn } from '../source/seal.ts';
import { keepShut } from '../source/seal-server.ts';
import { type Place, sayTaken } from '../source/taken.ts';
import { dropUnneeded, forgetStream } from '../storky-schema.ts';
import { asSource, readTicket, sourceAddress } from '../ticket.ts';
import { verifyServer } from '../verify/verify.ts';
import { becomeAsThere } from '../way-back/as-there.ts';
import { type Address, adminOf, alive, type Client, connect, disconnect, withClient } from '../wire/connect.ts';
import { copyServer } from './copy.ts';
import { endCopy } from './end-copy.ts';
import { assertHealthy, assertSameSource, type Followed, followSource, lagOf } from './follow.ts';
import { placeToTell } from './place-taken.ts';
import { allowWrites, refuseWrites, restoreRights } from './standby.ts';
import { copyOf } from './state.ts';
import { StrayCount } from './strays.ts';
import { dropStream } from './stream.ts';
import { SwitchPath } from './switch-path.ts';

export class MariaDbTarget implements TargetStore {
  readonly #instance: DatabaseInstance;
  readonly #admin: Address;
  #following: Followed | undefined;
  /** To the source, through the tunnel; for the lag and the probes. */
  #source: Client | undefined;
  #path: SwitchPath | undefined;
  /** What the source knows of how far this side is. */
  #told: Place | undefined;
  #settling: Promise<void> | undefined;
  readonly #strays = new StrayCount();
  #doors = Promise.resolve();

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
    this.#admin = adminOf(instance);
  }

  async copy(
    _migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<{ bytes: number; items: number }> {
    this.#refuseIfOpened();
    this.#refuseIfSealed();
    return copyServer({
      instance: this.#instance,
      ticket: readTicket(ticket, this.#instance.engine),
      from,
      report,
      signal,
    });
  }

  async follow(_migration: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    this.#refuseIfOpened();
    await this.#forgetSource();
    this.#told = undefined;
    const given = readTicket(ticket, this.#instance.engine);
    const wanted = () => this.#following?.ticket.id === given.id;
    const followed = { instance: this.#instance, ticket: given, from, wanted };
    this.#following = followed;
    await withClient(this.#admin, (client) => followSource(client, followed, signal));
  }

  async strays(): Promise<Stray[]> {
    if (this.#instance.external) return [];
    return withClient(this.#admin, (client) => this.#strays.look(client));
  }

  async lag(): Promise<Lag> {
    const source = await this.#sourceClient();
    const { ticket } = this.#followed();
    return withClient(this.#admin, async (client) => {
      await this.#inTurn(async () => {
        await keepShut(client, this.#instance);
        await keepRole(client, this.#instance);
      });
      const place = await placeToTell(client, this.#told);
      if (place) await sayTaken(source, ticket.migration, place);
      this.#told = place ?? this.#told;
      return lagOf(client, source);
    });
  }

  async healthy(): Promise<void> {
    const followed = this.#followed();
    await withClient(this.#admin, (client) => assertHealthy(client, followed));
  }

  async verify(
    _migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    return verifyServer(this.#admin, readTicket(ticket, this.#instance.engine), from, report, signal);
  }

  /** One that Storky does not run is filled for the switch, and nobody else is told of it before. */
  async standby(): Promise<void> {
    if (this.#instance.external) return;
    return this.#inTurn(() => this.#standby());
  }

  async #standby(): Promise<void> {
    const role = roleOf(this.#instance);
    // What a switch has opened stays open, though a standby is asked for again.
    if (role === 'opened') return;
    if (role !== 'standby') setRole(this.#instance, 'standby', role);
    await withClient(this.#admin, async (client) => {
      await refuseWrites(client);
      await letIn(client);
    });
    // The seal last: until then it is what every start of the server goes by.
    clearRole(this.#instance, 'opened');
    clearRole(this.#instance, 'sealed');
  }

  async rehearse(migration: string, from: SourceEndpoint, signal: AbortSignal): Promise<{ roundTripMs: number }> {
    if (this.#following && this.#following.from !== from) {
      this.#following = { ...this.#following, from };
      await this.#forgetSource();
    }
    if (!this.#path || !(await this.#path.usable())) {
      await disposed(this.#path);
      this.#path = await SwitchPath.open(this.#admin);
    }
    const source = await this.#sourceClient();
    const { ticket } = this.#followed();
    await withClient(this.#admin, (client) => assertSameSource(client, source, ticket));
    const path = await this.#path.prove(source, migration, signal);
    if (sealedBefore(this.#instance))
      await withClient(this.#admin, (client) => becomeAsThere(client, source, migration, signal));
    return path;
  }

  async applied(
    _migration: string,
    epoch: number,
    deadline: Deadline,
    proof: Promise<string | null>,
  ): Promise<{ detail: string; turn: string }> {
    if (!this.#path)
      throw new StorkyError('not_in_sync', {
        store: 'The database',
        detail: 'the path of the marker was not rehearsed',
      });
    const given = readProof(await beforeDeadline(proof, deadline));
    const began = performance.now();
    const turn = await this.#path.marked(given, deadline);
    return {
      turn,
      detail: `marker ${epoch} applied ${(performance.now() - began).toFixed(1)} ms after its position was known`,
    };
  }

  async activate(epoch: number): Promise<void> {
    if (roleOf(this.#instance) === 'sealed') await this.standby();
    // Never was a standby: carried by backup, or created empty; or opened already.
    if (roleOf(this.#instance) !== 'standby') return;
    this.#path ??= await SwitchPath.open(this.#admin);
    await this.#path.activate(epoch, allowWrites(this.#instance));
    this.#following = undefined;
    // A restart from here on finds it open too.
    openStandby(this.#instance);
    // Not awaited: the app's writers need not wait for this. A failure is made good by close.
    this.#settling ??= withClient(this.#admin, settleActive).catch(() => {});
  }

  async restore(dump: Readable, report: Report, signal: AbortSignal): Promise<void> {
    this.#refuseIfOpened();
    await restoreServer(this.#instance, dump, report, signal);
    if (roleOf(this.#instance) !== 'sealed') return;
    // The accounts are those of the dump: nobody is shut out any more.
    clearRole(this.#instance, 'sealed');
    await withClient(this.#admin, (client) => client.query(allowWrites(this.#instance)));
  }

  async close(migration: string): Promise<void> {
    if (!this.#following || this.#following.ticket.migration === migration) {
      this.#following = undefined;
      await this[Symbol.asyncDispose]();
    }
    if (this.#instance.external) return;
    await withClient(this.#admin, async (client) => {
      const copy = await copyOf(client);
      // A later stream may have made a copy of this side again: what keeps its writers out is not this one's.
      if (!copy || copy.migration === migration) await endCopy(client, this.#instance);
      await forgetStream(client, migration, 'marker', 'copy');
      await dropUnneeded(client);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settling;
    this.#settling = undefined;
    await this.#forgetSource();
    await disposed(this.#path);
    this.#path = undefined;
  }

  /** What shuts people out, and what lets them in, never at the same time. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#doors.then(act);
    this.#doors = done.catch(() => {});
    return done;
  }

  /** Last guard before everything is made anew: what a switch has opened has the app's own writes. */
  #refuseIfOpened(): void {
    if (roleOf(this.#instance) === 'opened')
      throw new StorkyError('engine_refused', {
        engine: titleOf(this.#instance.engine),
        detail: 'the database is active here, and is not overwritten',
        hint: 'An operator has to look.',
      });
  }

  /** The old home is not made anew: until the end it holds what the app was before the switch. */
  #refuseIfSealed(): void {
    if (roleOf(this.#instance) === 'sealed' || sealedBefore(this.#instance))
      throw new StorkyError('engine_refused', {
        engine: titleOf(this.#instance.engine),
        detail: 'the database was left by a switch, and is not overwritten',
        hint: 'The way back only follows: an operator has to look.',
      });
  }

  #followed(): Followed {
    if (!this.#following) throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
    return this.#following;
  }

  async #sourceClient(): Promise<Client> {
    const { ticket, from } = this.#followed();
    if (this.#source && (await alive(this.#source))) return this.#source;
    await this.#forgetSource();
    this.#source = await connect(sourceAddress(ticket, from), asSource);
    return this.#source;
  }

  async #forgetSource(): Promise<void> {
    const client = this.#source;
    this.#source = undefined;
    await disconnect(client);
  }
}

/** After the switch, off its path: nothing of the old side comes in any more, and everybody has his rights again. */
async function settleActive(client: Client): Promise<void> {
  await dropStream(client);
  await restoreRights(client);
  await forgetSeal(client);
}

/** Rejects with `timeout` when the source's word does not come in time. */
async function beforeDeadline<T>(promise: Promise<T>, { at, signal }: Deadline): Promise<T> {
  const late = Promise.withResolvers<never>();
  const fail = () =>
    late.reject(new StorkyError('timeout', { what: 'The proof of the marker', seconds: 0, where: 'the target agent' }));
  const timer = setTimeout(fail, Math.max(0, at - performance.now()));
  signal.addEventListener('abort', fail, { once: true });
  if (signal.aborted) fail();
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', fail);
  }
}

const disposed = async (path: SwitchPath | undefined) => path?.[Symbol.asyncDispose]();
