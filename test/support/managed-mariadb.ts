import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { giveToAccount, unprivilegedAccount } from '../../src/base/account.ts';
import { freePort } from '../../src/base/free-port.ts';
import { unmanagedTempFolder } from './temp-folder.ts';

type Rows = Record<string, unknown>[];

/** False, loudly, where the server is not installed; with CI=true the tests run, and fail. */
export const mariadbInstalled = (() => {
  const there = existsSync('/usr/sbin/mariadbd');
  if (!there) process.stderr.write('\nSKIPPED: mariadb-server is not installed.\n\n');
  return there || process.env.CI === 'true';
})();

/** A server that Storky does not run, as a provider has it: the customer may not do everything there, and is not alone. */
export class ManagedMariaDb {
  readonly folder: string;
  readonly port: number;
  readonly database = 'shop_managed';
  readonly admin = { user: 'keeper', password: 'keeper: p@ss/word' };
  readonly app = { user: 'Shop app', password: "app's p@ss" };
  readonly #settings: Record<string, string>;
  readonly #remove: () => void;
  #end: (() => Promise<void>) | undefined;

  private constructor(folder: string, remove: () => void, port: number, settings: Record<string, string>) {
    this.folder = folder;
    this.port = port;
    this.#remove = remove;
    this.#settings = settings;
  }

  /** The app's account has its database; the administrator may log in and see that there is one, and no more. */
  static async start(settings: Record<string, string> = {}): Promise<ManagedMariaDb> {
    const { path, remove } = unmanagedTempFolder('mariadb');
    giveToAccount(path);
    const defaults = { log_bin: 'binlog', binlog_format: 'ROW', server_id: '1', log_bin_trust_function_creators: '1' };
    const managed = new ManagedMariaDb(path, remove, await freePort(), { ...defaults, ...settings });
    await managed.#install();
    await managed.run();
    await managed.asProvider(
      `CREATE USER keeper IDENTIFIED BY '${managed.admin.password}'`,
      `CREATE USER 'Shop app' IDENTIFIED BY 'app''s p@ss'`,
      `CREATE DATABASE ${managed.database}`,
      "GRANT ALL PRIVILEGES ON `shop\\_managed`.* TO 'Shop app'",
      'GRANT SHOW VIEW ON `shop\\_managed`.* TO keeper',
      `CREATE USER other IDENTIFIED BY 'other'`,
      'CREATE DATABASE of_another_customer',
      'GRANT ALL PRIVILEGES ON of_another_customer.* TO other',
    );
    return managed;
  }

  /** Everything that a move from here asks for; what preflight names is the same. */
  async grantAll(): Promise<void> {
    await this.asProvider(
      'GRANT REPLICATION SLAVE, BINLOG MONITOR, PROCESS, CREATE USER ON *.* TO keeper',
      'GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON `shop\\_managed`.* TO keeper',
      'GRANT ALL PRIVILEGES ON storky.* TO keeper',
      'GRANT SELECT ON mysql.proc TO keeper',
    );
  }

  /** From now on it has this certificate, and takes encrypted connections only: of the administrator, and of whom else. */
  async encrypt({ cert, key }: { cert: string; key: string }, ...others: string[]): Promise<void> {
    for (const [name, text] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
      writeFileSync(join(this.folder, name), text, { mode: 0o600 });
      giveToAccount(join(this.folder, name));
    }
    Object.assign(this.#settings, {
      ssl_cert: join(this.folder, 'server.crt'),
      ssl_key: join(this.folder, 'server.key'),
    });
    await this.restart();
    await this.asProvider(...['keeper', ...others].map((name) => `ALTER USER '${name}' REQUIRE SSL`));
  }

  /** A setting that is empty is not given. */
  async restart(settings: Record<string, string> = {}): Promise<void> {
    await this.#end?.();
    Object.assign(this.#settings, settings);
    await this.run();
  }

  address(query = ''): string {
    return this.#url(this.admin) + query;
  }

  get appUrl(): string {
    return this.#url(this.app);
  }

  /** As the one who may do everything, which the customer may not. */
  async asProvider(...statements: string[]): Promise<Rows> {
    return await this.#query('provider', undefined, statements);
  }

  async inDatabase(...statements: string[]): Promise<Rows> {
    return await this.#query('provider', this.database, statements);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end?.();
    this.#remove();
  }

  #url({ user, password }: { user: string; password: string }): string {
    const [name, secret] = [user, password].map(encodeURIComponent);
    return `mysql://${name}:${secret}@localhost:${this.port}/${this.database}`;
  }

  async #query(user: string, database: string | undefined, statements: string[]): Promise<Rows> {
    const client = await mysql.createConnection({ host: '127.0.0.1', port: this.port, user, password: user, database });
    try {
      let rows: Rows = [];
      for (const statement of statements) rows = (await client.query(statement))[0] as Rows;
      return rows;
    } finally {
      client.destroy();
    }
  }

  async #install(): Promise<void> {
    const args = ['--no-defaults', `--datadir=${this.folder}/data`, '--skip-test-db', '--skip-name-resolve'];
    const child = this.#spawn('/usr/bin/mariadb-install-db', [...args, '--auth-root-authentication-method=normal']);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`mariadb-install-db ended with ${code}`);
    const provider = `CREATE USER IF NOT EXISTS provider IDENTIFIED BY 'provider'`;
    const init = `SET sql_log_bin = 0;\n${provider};\nGRANT ALL PRIVILEGES ON *.* TO provider WITH GRANT OPTION;\n`;
    writeFileSync(join(this.folder, 'init.sql'), init, { mode: 0o644 });
  }

  async run(): Promise<void> {
    const { folder, port } = this;
    const settings = {
      datadir: `${folder}/data`,
      tmpdir: folder,
      socket: `${folder}/s`,
      bind_address: '127.0.0.1',
      port: String(port),
      init_file: `${folder}/init.sql`,
      pid_file: `${folder}/pid`,
      skip_name_resolve: 'ON',
      innodb_buffer_pool_size: '32M',
      innodb_flush_log_at_trx_commit: '2',
      ...this.#settings,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => (value === '' ? [] : [`--${name}=${value}`]));
    const server = this.#spawn('/usr/sbin/mariadbd', ['--no-defaults', ...flags]);
    const ended = once(server, 'close');
    const atExit = () => {
      server.kill('SIGKILL'); // this process ends without `dispose`
      this.#remove();
    };
    process.once('exit', atExit);
    let said = '';
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 1e6) said += text;
    });
    this.#end = async () => {
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
      await ended;
      process.off('exit', atExit);
    };
    for (;;) {
      if (server.exitCode !== null) throw new Error(`mariadbd ended:\n${said}`);
      const there = await this.asProvider('SELECT 1').then(
        () => true,
        () => false,
      );
      if (there) return;
      await sleep(50);
    }
  }

  #spawn(program: string, args: string[]) {
    return spawn(program, args, {
      cwd: this.folder,
      ...unprivilegedAccount(),
      env: { LC_ALL: 'C.UTF-8', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }
}
