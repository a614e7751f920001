import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unprivilegedAccount } from '../../../../base/account.ts';
import { freePort } from '../../../../base/free-port.ts';
import type { DatabaseEngine, DatabaseInstance, GuestOrder, ProvisionOrder } from '../../contract.ts';
import { engine } from '../engine.ts';
import { toolPath } from '../server/binaries.ts';
import { run } from '../server/run.ts';
import { ownedFolder } from '../server/server.ts';
import { connect, disconnect, withClient } from '../wire/connect.ts';
import { account, grantable, identifier, literal } from '../wire/sql.ts';

const rootPassword = "r00t ' pass";
/** What the owner of two such containers gave both. */
const usualCommand = ['--log-bin', '--binlog-format=ROW'];

/** Where a program is run `in the container` by `docker exec`: the same here, without the container. */
const execScript = `#!/bin/sh
while [ "$1" = --env ]; do shift 2; done
shift
exec "$@"
`;

/** A server as an image makes it, with the settings of its owner and nobody else's: each one of them has the same number. */
export class LikeAContainer {
  readonly folder: string;
  command: string[];
  port = 0;
  #process: ChildProcess | undefined;

  constructor(folder: string, command = usualCommand) {
    this.folder = folder;
    this.command = command;
  }

  get running(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  /** As the entrypoint of an image does it: what it makes is in the log. */
  async make({
    database,
    user,
    password,
    version,
  }: Pick<ProvisionOrder, 'database' | 'user' | 'password' | 'version'>) {
    for (const path of [this.folder, join(this.folder, 'tmp')]) ownedFolder(path);
    writeFileSync(join(this.folder, 'exec'), execScript, { mode: 0o755 });
    const data = [`--datadir=${join(this.folder, 'data')}`, `--tmpdir=${join(this.folder, 'tmp')}`];
    await run(await toolPath('mariadb', version, 'install'), [
      '--no-defaults',
      ...data,
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
    ]);
    this.port = await freePort();
    await this.start(version);
    const first = { host: '127.0.0.1', port: this.port, user: 'root', password: '' };
    await withClient(
      first,
      (client) =>
        client.batch(
          `DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost')`,
          'FLUSH PRIVILEGES',
          `ALTER USER ${account('root', 'localhost')} IDENTIFIED BY ${literal(rootPassword)}`,
          `CREATE USER ${account('root', '%')} IDENTIFIED BY ${literal(rootPassword)}`,
          `GRANT ALL PRIVILEGES ON *.* TO ${account('root', '%')} WITH GRANT OPTION`,
          `CREATE USER healthcheck@localhost IDENTIFIED BY '${randomBytes(8).toString('hex')}'`,
          `CREATE DATABASE ${identifier(database)}`,
          `CREATE USER ${account(user, '%')} IDENTIFIED BY ${literal(password)}`,
          `GRANT ALL PRIVILEGES ON ${grantable(database)}.* TO ${account(user, '%')}`,
        ),
      { logged: true },
    );
  }

  async start(version: string): Promise<void> {
    if (this.running) return;
    this.#process = spawn(
      await toolPath('mariadb', version, 'server'),
      [
        '--no-defaults',
        `--datadir=${join(this.folder, 'data')}`,
        `--tmpdir=${join(this.folder, 'tmp')}`,
        `--socket=${join(this.folder, 's.sock')}`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        '--skip-name-resolve',
        ...this.command,
      ],
      { ...unprivilegedAccount(), cwd: '/', stdio: 'ignore' },
    );
    for (const end = Date.now() + 60_000; !(await this.#answers()); await sleep(50))
      if (Date.now() > end) throw new Error('the server does not come up');
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.#process!.kill('SIGTERM');
    await once(this.#process!, 'exit');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  order({ app, addon, folder, database, user, password }: Omit<ProvisionOrder, 'plan' | 'version'>): GuestOrder {
    return {
      app,
      addon,
      folder,
      host: '127.0.0.1',
      command: ['mariadbd'],
      guest: { exec: [join(this.folder, 'exec')], container: 'db', gateway: '127.0.0.1' },
      environment: {
        MYSQL_TCP_PORT: String(this.port),
        MARIADB_ROOT_PASSWORD: rootPassword,
        MARIADB_DATABASE: database,
        MARIADB_USER: user,
        MARIADB_PASSWORD: password,
      },
    };
  }

  /** It answers whoever it is, with a refusal. */
  async #answers(): Promise<boolean> {
    const nobody = { host: '127.0.0.1', port: this.port, user: 'nobody', password: '' };
    return await connect(nobody).then(
      (client) => disconnect(client).then(() => true),
      (error: { errno?: number }) => error.errno === 1045,
    );
  }
}

/** The engine, with every server in a container: `hosted.ts` does the same with Docker. */
export function inContainers(): DatabaseEngine {
  const made = new Map<string, { server: LikeAContainer; instance: DatabaseInstance }>();
  const of = ({ folder }: Pick<DatabaseInstance, 'folder'>) => made.get(folder);
  return {
    ...engine,
    async provision(order) {
      const known = of(order);
      if (known) return known.instance;
      const server = new LikeAContainer(`${order.folder}-server`);
      await server.make(order);
      const instance = await engine.guest!.welcome(await engine.guest!.describe(server.order(order)));
      made.set(order.folder, { server, instance });
      return instance;
    },
    start: async (instance) => await of(instance)!.server.start(instance.version),
    stop: async (instance) => await of(instance)!.server.stop(),
    running: async (instance) => of(instance)?.server.running ?? false,
    async destroy(instance) {
      await of(instance)?.server.remove();
      rmSync(instance.folder, { recursive: true, force: true });
    },
  };
}
