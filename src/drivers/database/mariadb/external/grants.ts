import type { Client } from '../wire/connect.ts';

/** Rights that SUPER had in it before they were rights of their own, and still has where it is granted. */
const partsOfSuper = ['BINLOG ADMIN', 'CONNECTION ADMIN', 'SET USER'];

/** The rights of the account that a session is of, those of its role in it. */
export class Grants {
  /** Where, as the server writes it → what. */
  readonly #rights = new Map<string, Set<string>>();

  private constructor(lines: string[]) {
    for (const line of lines) {
      const [, rights, where] = /^GRANT (.+?) ON (\*\.\*|`(?:[^`]|``)*`\.(?:\*|`(?:[^`]|``)*`)) TO /.exec(line) ?? [];
      if (!rights || !where) continue;
      const known = this.#rights.get(where) ?? new Set();
      for (const right of rights.split(', ')) known.add(right.replace('READ ONLY', 'READ_ONLY'));
      if (line.endsWith('WITH GRANT OPTION')) known.add('GRANT OPTION');
      this.#rights.set(where, known);
    }
  }

  static async of(client: Client): Promise<Grants> {
    return new Grants((await client.query('SHOW GRANTS')).map((row) => Object.values(row)[0]!));
  }

  /** On the whole server. */
  has(right: string): boolean {
    return this.#at('*.*', right) || (partsOfSuper.includes(right) && this.#at('*.*', 'SUPER'));
  }

  /** On everything in a database. */
  hasIn(database: string, right: string): boolean {
    const patterns = [...this.#rights.keys()].filter((where) => where.endsWith('`.*') && stands(where, database));
    return this.has(right) || patterns.some((where) => this.#at(where, right));
  }

  /** On a table, as `mysql`.`proc`. */
  hasOn(database: string, table: string, right: string): boolean {
    return this.hasIn(database, right) || this.#at(`\`${database}\`.\`${table}\``, right);
  }

  #at(where: string, right: string): boolean {
    const rights = this.#rights.get(where);
    const all = right !== 'GRANT OPTION' && rights?.has('ALL PRIVILEGES');
    return all || rights?.has(right) === true;
  }
}

/** Names of databases are patterns there. */
function stands(where: string, database: string): boolean {
  const pattern = where.slice(1, -3).replaceAll('``', '`');
  const parts = [...pattern.matchAll(/\\([_%\\])|([\s\S])/g)].map(([, escaped, plain]) => {
    if (plain === '%') return '[\\s\\S]*';
    return plain === '_' ? '[\\s\\S]' : literally(escaped ?? plain!);
  });
  return new RegExp(`^${parts.join('')}$`).test(database);
}

const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
