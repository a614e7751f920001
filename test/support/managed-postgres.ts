import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { giveToAccount } from '../../src/base/account.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';

const trusted = 'host all test 127.0.0.1/32 trust\nlocal all all trust\n';

/** A server that Storky does not run, as a provider has it: the customer is no superuser there, and comes with a password. */
export class ManagedPostgres {
  readonly server: TestPostgres;
  readonly database = 'shop_managed';
  readonly admin = { user: 'keeper', password: 'keeper: p@ss/word' };
  readonly app = { user: 'Shop app', password: "app's p@ss" };

  private constructor(server: TestPostgres) {
    this.server = server;
  }

  /** The app's account owns the database; the administrator may log in, and no more. */
  static async start(settings: Record<string, string> = {}): Promise<ManagedPostgres> {
    const managed = new ManagedPostgres(await startPostgres({ log_statement: 'all', ...settings }));
    await managed.asProvider(
      `CREATE ROLE keeper LOGIN PASSWORD '${managed.admin.password}'`,
      `CREATE ROLE "Shop app" LOGIN PASSWORD 'app''s p@ss'`,
      `CREATE DATABASE ${managed.database} OWNER "Shop app"`,
      `CREATE ROLE other LOGIN PASSWORD 'other'`,
      'CREATE DATABASE of_another_customer OWNER other',
    );
    const file = join(managed.server.folder, 'data', 'pg_hba.conf');
    writeFileSync(file, `${trusted}host all all 127.0.0.1/32 scram-sha-256\n`);
    await managed.asProvider('SELECT pg_reload_conf()');
    return managed;
  }

  /** From now on it takes encrypted connections only, with this certificate. */
  async encrypt({ cert, key }: { cert: string; key: string }): Promise<void> {
    const data = join(this.server.folder, 'data');
    for (const [name, text] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      giveToAccount(join(data, name));
    }
    writeFileSync(join(data, 'pg_hba.conf'), `${trusted}hostssl all all 127.0.0.1/32 scram-sha-256\n`);
    await this.asProvider('ALTER SYSTEM SET ssl = on', 'SELECT pg_reload_conf()');
  }

  /** Everything that a move from here asks for; what preflight names is the same. */
  async grantAll(): Promise<void> {
    await this.asProvider(
      'ALTER ROLE keeper REPLICATION',
      `GRANT CREATE ON DATABASE ${this.database} TO keeper`,
      'GRANT "Shop app" TO keeper',
      'GRANT pg_signal_backend TO keeper',
      'GRANT pg_read_all_stats TO keeper',
    );
  }

  address(query = ''): string {
    return this.#url(this.admin) + query;
  }

  get appUrl(): string {
    return this.#url(this.app);
  }

  /** As the superuser that the customer is not. */
  async asProvider(...statements: string[]): Promise<Record<string, unknown>[]> {
    return await this.#run(this.server.url, statements);
  }

  async inDatabase(...statements: string[]): Promise<Record<string, unknown>[]> {
    return await this.at(this.database, ...statements);
  }

  async at(database: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
    return await this.#run(`postgres://test@127.0.0.1:${this.server.port}/${database}`, statements);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }

  #url({ user, password }: { user: string; password: string }): string {
    const [name, secret] = [user, password].map(encodeURIComponent);
    return `postgresql://${name}:${secret}@localhost:${this.server.port}/${this.database}`;
  }

  async #run(url: string, statements: string[]): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) ({ rows } = await client.query(statement));
      return rows;
    } finally {
      await client.end();
    }
  }
}
