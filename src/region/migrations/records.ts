import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { Carrier, CopyLimit, Pressure, StoreReport, SwitchReport } from '../../protocol/migration.ts';
import { RegionAddress } from '../../protocol/region-contract.ts';

/** What an agent remembers of one migration: with whom, which app, and how far. One JSON document each, never secrets. */
const MigrationRecord = z.object({
  migration: z.uuid(),
  /** What the stores know this stream by: the migration itself on its first way, another for every turn (stream.ts). */
  stream: z.uuid(),
  role: z.enum(['source', 'target']),
  app: z.string(),
  /** The app's name on the other side. */
  peerApp: z.string(),
  peer: RegionAddress,
  stores: z.record(
    z.string(),
    z.object({
      carrier: Carrier,
      wanted: z.boolean(),
      /** Digest of the ticket with which the target works; a ticket itself has secrets. */
      ticket: z.string().nullable(),
      /** What that ticket shows has been copied. */
      copied: z.boolean(),
      report: StoreReport.nullable(),
      /** Of the tunnel to its source. Kept over a restart, since the database that follows remembers it too. */
      port: z.number().int().optional(),
      /** How far the comparison of the copy with that ticket has come. */
      compared: z
        .object({ ticket: z.string().nullable(), at: z.string(), items: z.number().int(), writtenAt: z.number() })
        .optional(),
    }),
  ),
  /** Of each store whose way back was proven from here: the digest of its ticket. */
  proven: z.record(z.string(), z.string()).optional(),
  /** What is copied here: bytes a second at most, and how the source fared. */
  copyLimit: CopyLimit.optional(),
  copyLimitInsisted: z.boolean().optional(),
  pressure: Pressure.optional(),
  /** Why this side keeps nothing any more for the one that followed it back. */
  givenUp: z.string().optional(),
  /** `started` is written before anything is held; a crash is settled by it and the epoch record (invariant 5). */
  switch: z
    .object({
      epoch: z.number().int(),
      stage: z.enum(['started', 'passive', 'activated', 'backed-out']),
      report: SwitchReport.nullable(),
    })
    .nullable(),
});
export type MigrationRecord = z.infer<typeof MigrationRecord>;

export class MigrationRecords {
  readonly #folder: string;
  readonly #known = new Map<string, MigrationRecord>();

  constructor(dataFolder: string) {
    this.#folder = join(dataFolder, 'migrations');
    for (const file of listJson(this.#folder)) {
      const record = MigrationRecord.parse(readJson(join(this.#folder, file)));
      this.#known.set(key(record.migration, record.role), record);
    }
  }

  all(role: MigrationRecord['role']): MigrationRecord[] {
    return [...this.#known.values()].filter((record) => record.role === role);
  }

  /** The migration that has this app, on either side, or has left its way back open. */
  any(app: string): string | undefined {
    return [...this.#known.values()].find((record) => record.app === app)?.migration;
  }

  find(migration: string, role: MigrationRecord['role']): MigrationRecord | undefined {
    const record = this.#known.get(key(migration, role));
    return record?.role === role ? record : undefined;
  }

  get(migration: string, role: MigrationRecord['role']): MigrationRecord {
    const record = this.find(migration, role);
    if (!record) throw new StorkyError('unknown_migration', { id: migration });
    return record;
  }

  /** Durable when it returns. */
  put(record: MigrationRecord): MigrationRecord {
    writeJsonAtomic(this.#path(record), record);
    this.#known.set(key(record.migration, record.role), record);
    return record;
  }

  change(migration: string, role: MigrationRecord['role'], change: (record: MigrationRecord) => void): MigrationRecord {
    const copy = structuredClone(this.get(migration, role));
    change(copy);
    return this.put(copy);
  }

  delete(migration: string, role: MigrationRecord['role']): void {
    const record = this.find(migration, role);
    if (!record) return;
    rmSync(this.#path(record), { force: true });
    this.#known.delete(key(migration, role));
  }

  #path({ migration, role }: MigrationRecord): string {
    return join(this.#folder, `${key(migration, role)}.json`);
  }
}

/** One agent can be both sides: a move within a region, to another name. */
const key = (migration: string, role: string): string => `${migration}.${role}`;

function listJson(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}
