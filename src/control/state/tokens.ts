import type { Pool } from 'pg';
import { hashSecret, newSecret } from './secrets.ts';

export interface TokenRow {
  id: string;
  name: string;
  createdAt: string;
}

/** Users' tokens. Only hashes are kept: a token is seen once, when it is made. */
export class TokenTable {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(): Promise<TokenRow[]> {
    const { rows } = await this.#pool.query<{ id: string; name: string; created_at: Date }>(
      'SELECT id, name, created_at FROM storky.user_tokens ORDER BY created_at',
    );
    return rows.map(({ id, name, created_at }) => ({ id, name, createdAt: created_at.toISOString() }));
  }

  /** The token carries the authority's fingerprint, so that its bearer can tell the server from another. */
  async create(name: string, fingerprint: string): Promise<{ id: string; token: string }> {
    const token = `sty_${newSecret()}.${fingerprint}`;
    return { id: await this.keep(name, token), token };
  }

  /** Accepts a token that somebody else made; kept once. */
  async keep(name: string, token: string): Promise<string> {
    const { rows } = await this.#pool.query<{ id: string }>(
      `INSERT INTO storky.user_tokens (name, hash) VALUES ($1, $2)
       ON CONFLICT (hash) DO UPDATE SET name = storky.user_tokens.name RETURNING id`,
      [name, hashToken(token)],
    );
    return rows[0]!.id;
  }

  /** The name of the token, or undefined when nobody was given it. */
  async who(token: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ name: string }>('SELECT name FROM storky.user_tokens WHERE hash = $1', [
      hashToken(token),
    ]);
    return rows[0]?.name;
  }

  async revoke(id: string): Promise<boolean> {
    return ((await this.#pool.query('DELETE FROM storky.user_tokens WHERE id::text = $1', [id])).rowCount ?? 0) > 0;
  }
}

/** Without the fingerprint, which is no secret: the token works with and without it. */
const hashToken = (token: string): string => hashSecret(/^(sty_[^.]+)\.[0-9a-f]{64}$/.exec(token)?.[1] ?? token);
