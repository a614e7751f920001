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

  /** Where this side has nothing of the migration, as when only the way back is proven, nothing is copied either. */
  of(migration: string): Governor {
    const record = this.#records.find(migration, 'target');
    if (!record) this.forget(migration);
    const known = this.#known.get(migration);
    if (known) return known;
    const governor = new Governor(
      () => this.#ask(migration),
      record?.pressure && { ...record.pressure },
      (pressure) => this.#records.change(migration, 'target', (draft) => Object.assign(draft, { pressure })),
    );
    governor.limitTo(record?.copyLimit ?? null, record?.copyLimitInsisted ?? false);
    if (record) this.#known.set(migration, governor);
    return governor;
  }

  /** Durable; holds at once for what is being copied. Set again without change, it is what it was. */
  setLimit(migration: string, copyLimit: number | null, insists: boolean): void {
    const known = this.#records.get(migration, 'target');
    const copyLimitInsisted = insists || (copyLimit === known.copyLimit && (known.copyLimitInsisted ?? false));
    this.#records.change(migration, 'target', (draft) => Object.assign(draft, { copyLimit, copyLimitInsisted }));
    this.of(migration).limitTo(copyLimit, copyLimitInsisted);
  }

  /** With the migration's record; what is copied at this moment keeps its pace until it ends. */
  forget(migration: string): void {
    this.#known.delete(migration);
  }

  /** Rejects where the migration was taken away meanwhile. */
  async #ask(migration: string): Promise<Reading> {
    const { peer, peerApp } = this.#records.get(migration, 'target');
    const patience = AbortSignal.timeout(10_000);
    return await this.#link.openJson<{ requests: Latency; pulses: Record<string, number> }>(
      peer,
      { kind: 'pressure', migration, app: peerApp },
      patience,
    );
  }
}
