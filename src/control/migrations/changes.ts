import { EventEmitter, once } from 'node:events';

/** Tells watchers in this process that a migration changed. Another server's changes are found by looking now and then. */
export class Changes {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  tell(migration: string): void {
    this.#emitter.emit(migration);
  }

  /** Resolves at the next change, after `ms` at the latest. Listen before you read, so that nothing slips between. */
  next(migration: string, ms: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    return once(this.#emitter, migration, { signal: either }).then(
      () => {},
      () => {},
    );
  }
}
