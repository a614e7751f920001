import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { giveToAccount, unprivilegedAccount } from '../../src/base/account.ts';
import { freePort } from '../../src/base/free-port.ts';
import { unmanagedTempFolder } from './temp-folder.ts';
import { waitFor } from './wait-for.ts';

interface Options {
  /** Of the server, beside its own; a list of words for each. */
  settings?: Record<string, string>;
  app?: Account;
  /** Rules of the administrator's account. */
  keeper?: string;
  tls?: { cert: string; key: string };
}

interface Account {
  user: string;
  password: string;
}

const provider: Account = { user: 'provider', password: 'of the provider' };

/** A server that Storky does not run, as a provider has it: the customer comes with a password, and may do what it is given. */
export class ManagedRedis {
  readonly admin = { user: 'keeper', password: 'keeper: p@ss/word' };
  readonly app: Account;
  readonly port: number;
  readonly #folder: { path: string; remove(): void };
  readonly #tls: Options['tls'];
  #server: ReturnType<typeof spawn> | undefined;

  private constructor(port: number, app: Account, tls: Options['tls']) {
    this.app = app;
    this.port = port;
    this.#tls = tls;
    this.#folder = unmanagedTempFolder('managed-redis');
    giveToAccount(this.#folder.path);
  }

  static async start(options: Options = {}): Promise<ManagedRedis> {
    const { settings = {}, keeper = '~* &* +@all', tls } = options;
    const managed = new ManagedRedis(
      await freePort(),
      options.app ?? { user: 'shop_app', password: "app's p@ss" },
      tls,
    );
    const user = (name: string, password: string, rules: string) => `user ${name} on #${sha256(password)} ${rules}\n`;
    const { admin, app } = managed;
    managed.#write(
      'users.acl',
      user(provider.user, provider.password, '~* &* +@all') +
        user(admin.user, admin.password, keeper) +
        user(app.user, app.password, '~* &* +@all -@admin +config|get'),
    );
    for (const [name, text] of Object.entries(tls ?? {})) managed.#write(`${name}.pem`, text);
    const { path } = managed.#folder;
    const encrypted = { 'tls-port': String(managed.port), 'tls-auth-clients': 'no' };
    const certificate = { 'tls-cert-file': join(path, 'cert.pem'), 'tls-key-file': join(path, 'key.pem') };
    const all = {
      ...{ bind: '127.0.0.1', dir: path, aclfile: join(path, 'users.acl'), save: '""' },
      ...{ appendonly: 'yes', 'repl-diskless-sync-delay': '0', logfile: join(path, 'redis.log') },
      ...(tls ? { port: '0', ...encrypted, ...certificate } : { port: String(managed.port) }),
      ...settings,
    };
    managed.#write(
      'redis.conf',
      Object.entries(all)
        .map((line) => `${line.join(' ')}\n`)
        .join(''),
    );
    try {
      await managed.begin();
      return managed;
    } catch (error) {
      await managed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** As the provider may, at any time: after `kill` it is there again. */
  async begin(as: Account = provider): Promise<void> {
    if (this.running) return;
    const { path } = this.#folder;
    const options = { ...unprivilegedAccount(), cwd: path, env: { LC_ALL: 'C' }, stdio: 'ignore' } as const;
    this.#server = spawn('redis-server', [join(path, 'redis.conf')], options);
    this.#server.once('error', () => {});
    await waitFor(
      () =>
        this.as(as, 'PING').then(
          () => true,
          () => false,
        ),
      { what: 'the server of the provider' },
    );
  }

  get running(): boolean {
    return this.#server?.pid !== undefined && this.#server.exitCode === null && this.#server.signalCode === null;
  }

  async kill(): Promise<void> {
    if (!this.#server || !this.running) return;
    const ended = once(this.#server, 'close');
    this.#server.kill('SIGKILL');
    await ended;
  }

  address(query = '', { user, password } = this.admin): string {
    const [name, secret] = [user, password].map(encodeURIComponent);
    return `${this.#tls ? 'rediss' : 'redis'}://${name}:${secret}@localhost:${this.port}${query}`;
  }

  /** Of one of its accounts. It connects no more once it was cut off. */
  client({ user, password } = this.app): Redis {
    const options: RedisOptions = {
      ...{ host: 'localhost', port: this.port, username: user, password },
      ...{ retryStrategy: () => null, maxRetriesPerRequest: 0, protocol: 2 },
      ...(this.#tls && { tls: { ca: this.#tls.cert, servername: 'localhost' } }),
    };
    const client = new Redis(options);
    client.on('error', () => {});
    return client;
  }

  /** As whoever runs it, which is neither the customer nor Storky. */
  asProvider(...words: string[]): Promise<unknown> {
    return this.as(provider, ...words);
  }

  async as(account: Account, ...words: string[]): Promise<unknown> {
    const client = this.client(account);
    try {
      const [name, ...rest] = words;
      return await client.call(name!, ...rest);
    } finally {
      client.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#folder.remove();
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    giveToAccount(path);
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
