import type { Latency } from '../../protocol/gate.ts';
import type { LinkClient } from '../link/link-client.ts';
import type { MigrationRecords } from '../migrations/records.ts';
import { Governor, type Reading } from '../pressure/governor.ts';

/** Of each migration that brings something here, who sets its pace. */
export class Governors {
  readonly #link: LinkClient;
  readonly #records: MigrationRecords;
  readonly #known = new Map<string, Governor>();

  constructor(link: LinkClient, records: MigrationRecords) {
    this.#link = link;
    this.#records = records;
  }

  of(migration: string): Governor {
    let governor = this.#known.get(migration);
    if (!governor) {
      const { copyLimit = null, pressure } = this.#records.get(migration, 'target');
      governor = new Governor(
        () => this.#ask(migration),
        pressure && { ...pressure },
        (pressure) => this.#records.change(migration, 'target', (draft) => Object.assign(draft, { pressure })),
      );
      governor.limit = copyLimit;
      this.#known.set(migration, governor);
    }
    return governor;
  }

  /** Durable; holds at once for what is being copied. */
  setLimit(migration: string, copyLimit: number | null): void {
    this.#records.change(migration, 'target', (draft) => Object.assign(draft, { copyLimit }));
    this.of(migration).limit = copyLimit;
  }

  forget(migration: string): void {
    this.#known.delete(migration);
  }

  #ask(migration: string): Promise<Reading> {
    const { peer, peerApp } = this.#records.get(migration, 'target');
    const patience = AbortSignal.timeout(10_000);
    return this.#link.openJson<{ requests: Latency; pulses: Record<string, number> }>(
      peer,
      { kind: 'pressure', migration, app: peerApp },
      patience,
    );
  }
}
