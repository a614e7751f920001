import * as fs from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../protocol/errors.ts';
import type { Deadline, FollowTicket, Lag, Report, SourceEndpoint, TargetStore, VerifyResult } from '../store.ts';
import { unpackTree } from './archive.ts';
import { type CopyProgress, copyPass } from './copy.ts';
import { Follower } from './follower.ts';
import { Have } from './have.ts';
import type { Home } from './home.ts';
import { ignoring } from './ignore.ts';
import { keepKnown } from './known.ts';
import { Ledger } from './ledger.ts';
import { Others } from './others.ts';
import { ourFolders, partsFolder, removeParts } from './parts.ts';
import { Placer } from './placer.ts';
import {
  assertMayWrite,
  forget,
  leaveStateFolder,
  ledgerFile,
  leftInThisBoot,
  recordServing,
  refused,
  roleOf,
  streams,
} from './role.ts';
import { Rooted } from './rooted.ts';
import { mostSuspects } from './suspects.ts';
import type { TreeOptions } from './tree.ts';
import { syncFileSystem, Unsynced } from './unsynced.ts';
import { verifyTree } from './verify.ts';
import { verifyChanged } from './verify-changed.ts';

/** Passes in a row that brought nothing, before the copy is given up. */
const maxFruitless = 5;

/** The new home of a file tree: everything here is the stream's until `activate`. */
export class TreeTarget implements TargetStore {
  readonly #options: TreeOptions & { maxSuspects?: number | undefined };
  readonly #homes = new Map<string, Home>();
  #follower: Follower | undefined;
  #followed: string | undefined;
  #others: Others | undefined;
  #stopFollowing = new AbortController();

  constructor(options: TreeOptions & { maxSuspects?: number | undefined }) {
    this.#options = options;
  }

  async copy(
    migration: string,
    _ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<{ bytes: number; items: number }> {
    assertMayWrite(this.#options, migration);
    await this.#endFollowing();
    const home = this.#home(migration);
    const progress: CopyProgress = { bytes: 0, items: 0, seen: 0, walked: false };
    const tell = () =>
      report({
        done: progress.items,
        total: progress.walked ? progress.seen : null,
        unit: 'files',
        note: `${progress.bytes} bytes`,
      });
    const timer = setInterval(tell, 500);
    try {
      const unreadable = await this.#passes(home, from, progress, signal);
      if (unreadable.length > 0)
        throw refused(`${unreadable.length} files cannot be read on the source: ${unreadable.slice(0, 5).join('; ')}`);
      await home.unsynced.flushAll();
    } finally {
      clearInterval(timer);
    }
    tell();
    return { bytes: progress.bytes, items: progress.items };
  }

  async follow(migration: string, _ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    assertMayWrite(this.#options, migration);
    await this.#endFollowing();
    this.#stopFollowing = new AbortController();
    this.#followed = migration;
    const home = this.#home(migration);
    this.#others = new Others(home, this.#options.stateFolder);
    this.#follower = new Follower(home, this.#others, from, AbortSignal.any([signal, this.#stopFollowing.signal]));
    await this.#follower.running();
  }

  async lag(): Promise<Lag> {
    return this.#following().lag();
  }

  async healthy(): Promise<void> {
    this.#following().healthy();
  }

  async verify(
    migration: string,
    _ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    assertMayWrite(this.#options, migration);
    return verifyTree(this.#home(migration), from, this.#follower, report, signal);
  }

  async verifyChanged(
    migration: string,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    assertMayWrite(this.#options, migration);
    return verifyChanged(this.#home(migration), from, this.#follower, report, signal);
  }

  /** Nothing to do: a file system has no state in which it refuses all but one writer. The region starts no writer before `activate`. */
  async standby(): Promise<void> {}

  async rehearse(_migration: string, _from: SourceEndpoint, signal: AbortSignal): Promise<{ roundTripMs: number }> {
    await this.#following().putRight(signal);
    await this.#following().probe(signal); // the first one warms the path
    return { roundTripMs: await this.#following().probe(signal) };
  }

  async applied(_migration: string, epoch: number, deadline: Deadline): Promise<{ detail: string }> {
    return { detail: await this.#following().applied(epoch, deadline) };
  }

  /**
   * From here on the tree belongs to the app. Recorded before anything else: a stream that went on would take what the app
   * writes here for something the source has deleted.
   */
  async activate(_epoch: number): Promise<void> {
    recordServing(this.#options);
    await this.#endFollowing();
    removeParts(this.#options);
  }

  async restore(dump: Readable, report: Report, signal: AbortSignal): Promise<void> {
    fs.mkdirSync(this.#options.root, { recursive: true });
    await unpackTree(this.#options.root, this.#options.ignore, dump, report, signal);
    await syncFileSystem(this.#options.root);
  }

  async close(migration: string): Promise<void> {
    if (this.#followed === migration) await this.#endFollowing();
    this.#homes.get(migration)?.ledger.close();
    this.#homes.delete(migration);
    // The app went on from it: what it says of both sides makes the way back short.
    if (roleOf(this.#options)?.role === 'serving') keepKnown(this.#options, this.#ledgerFile(migration));
    for (const end of ['', '-wal', '-shm']) fs.rmSync(`${this.#ledgerFile(migration)}${end}`, { force: true });
    // Another stream may have begun since; it goes on.
    if (!streams(this.#options).some((name) => name.startsWith('ledger-'))) removeParts(this.#options);
    const known = roleOf(this.#options);
    if (known?.follows === migration) forget(this.#options);
    leaveStateFolder(this.#options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endFollowing();
    for (const home of this.#homes.values()) home.ledger.close();
    this.#homes.clear();
  }

  /** Passes until one comes through. What has arrived stays, so a broken link costs only the rest. */
  async #passes(home: Home, from: SourceEndpoint, progress: CopyProgress, signal: AbortSignal): Promise<string[]> {
    for (let fruitless = 0; ; fruitless++) {
      const before = progress.bytes + progress.items;
      progress.seen = 0;
      try {
        return await copyPass(home, from, progress, signal, leftInThisBoot(this.#options));
      } catch (error) {
        signal.throwIfAborted();
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw refused('no space is left on the target');
        if (progress.bytes + progress.items > before) fruitless = 0;
        if (fruitless >= maxFruitless)
          throw new StorkyError(
            'copy_interrupted',
            { store: 'the file tree', detail: (error as Error).message },
            { cause: error },
          );
        await sleep(100 * 2 ** fruitless, undefined, { signal });
      }
    }
  }

  #home(migration: string): Home {
    const known = this.#homes.get(migration);
    if (known) return known;
    fs.mkdirSync(this.#options.root, { recursive: true });
    const tree = new Rooted(this.#options.root);
    const ledger = new Ledger(this.#ledgerFile(migration));
    const placer = new Placer(tree, partsFolder(this.#options));
    const home = {
      placer,
      ledger,
      unsynced: new Unsynced(tree),
      ignore: ignoring([...this.#options.ignore, ourFolders]),
      have: new Have(placer, ledger),
      maxSuspects: this.#options.maxSuspects ?? mostSuspects,
    };
    this.#homes.set(migration, home);
    return home;
  }

  #following(): Follower {
    if (!this.#follower) throw new StorkyError('not_in_sync', { store: 'the file tree', detail: 'it is not followed' });
    return this.#follower;
  }

  async #endFollowing(): Promise<void> {
    this.#stopFollowing.abort(new Error('following has ended'));
    await this.#follower?.ended;
    this.#follower = undefined;
    this.#followed = undefined;
    this.#others?.close();
    this.#others = undefined;
  }

  #ledgerFile(migration: string): string {
    return ledgerFile(this.#options.stateFolder, migration);
  }
}
