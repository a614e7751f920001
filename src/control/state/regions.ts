import type { Pool } from 'pg';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import type { SshReach } from '../../protocol/ssh-reach.ts';
import { inTransaction } from './schema.ts';

export interface RegionRow {
  name: string;
  /** Null until its agent has enrolled. */
  address: RegionAddress | null;
  /** Null where its agent was started by hand. */
  ssh: SshReach | null;
}

export class RegionTable {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(): Promise<RegionRow[]> {
    return (await this.#pool.query<RegionRow>('SELECT name, address, ssh FROM storky.regions ORDER BY name')).rows;
  }

  async find(name: string): Promise<RegionRow | undefined> {
    return (await this.#pool.query<RegionRow>('SELECT name, address, ssh FROM storky.regions WHERE name = $1', [name]))
      .rows[0];
  }

  /** Adds the region, or gives a known one a new token; earlier tokens of it end. */
  async invite(name: string, tokenHash: string, expiresAt: Date, ssh?: SshReach): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await client.query('INSERT INTO storky.regions (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
      if (ssh) await client.query('UPDATE storky.regions SET ssh = $2 WHERE name = $1', [name, ssh]);
      await client.query('DELETE FROM storky.enrolment_tokens WHERE region = $1 OR expires_at < now()', [name]);
      await client.query('INSERT INTO storky.enrolment_tokens (hash, region, expires_at) VALUES ($1, $2, $3)', [
        tokenHash,
        name,
        expiresAt,
      ]);
    });
  }

  /** Which region a token may still enrol. */
  async invited(tokenHash: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ region: string }>(
      'SELECT region FROM storky.enrolment_tokens WHERE hash = $1 AND expires_at > now()',
      [tokenHash],
    );
    return rows[0]?.region;
  }

  /** Spends the token and records the address in one transaction: of two agents with one token, one enrols. */
  async enrol(tokenHash: string, address: Omit<RegionAddress, 'region'>): Promise<string | undefined> {
    return inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ region: string }>(
        'DELETE FROM storky.enrolment_tokens WHERE hash = $1 AND expires_at > now() RETURNING region',
        [tokenHash],
      );
      const region = rows[0]?.region;
      if (!region) return undefined;
      await client.query('UPDATE storky.regions SET address = $2, enrolled_at = now() WHERE name = $1', [
        region,
        { ...address, region },
      ]);
      return region;
    });
  }

  async remove(name: string): Promise<boolean> {
    return ((await this.#pool.query('DELETE FROM storky.regions WHERE name = $1', [name])).rowCount ?? 0) > 0;
  }
}
