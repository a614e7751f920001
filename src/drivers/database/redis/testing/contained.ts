import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveToAccount, unprivilegedAccount } from '../../../../base/account.ts';
import { freePort } from '../../../../base/free-port.ts';
import type { DatabaseInstance, GuestOrder } from '../../contract.ts';
import { engine } from '../engine.ts';

/**
 * A server as it runs in a container: by arguments alone, which each start repeats, with a volume and no file of users. It
 * is begun and ended as an engine of containers would, and its commands are run on this host.
 */
export class Contained {
  readonly port: number;
  readonly folder: string;
  readonly #arguments: string[];
  #server: ChildProcess | undefined;

  private constructor(folder: string, port: number, args: string[]) {
    this.folder = folder;
    this.port = port;
    this.#arguments = args;
  }

  static async start(folder: string, args: string[] = []): Promise<Contained> {
    const contained = new Contained(folder, await freePort(), args);
    mkdirSync(contained.volume, { recursive: true });
    giveToAccount(contained.volume);
    await contained.begin();
    return contained;
  }

  get volume(): string {
    return join(this.folder, 'volume');
  }

  /** Resolves when somebody listens: what it holds may not be loaded yet. */
  async begin(): Promise<void> {
    if (this.running) return;
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--protected-mode', 'no'];
    const options = { ...unprivilegedAccount(), cwd: this.volume, env: { LC_ALL: 'C' }, stdio: 'ignore' } as const;
    this.#server = spawn('redis-server', [...place, ...this.#arguments], options);
    this.#server.once('error', () => {});
    while (!(await listens(this.port))) await sleep(2);
  }

  get running(): boolean {
    return this.#server?.pid !== undefined && this.#server.exitCode === null && this.#server.signalCode === null;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.#server || !this.running) return;
    const ended = once(this.#server, 'close');
    this.#server.kill(signal);
    await ended;
  }

  async restart(signal?: 'SIGKILL'): Promise<void> {
    await this.end(signal);
    await this.begin();
  }

  order(addon: string, environment: Record<string, string> = {}, command = this.#arguments): GuestOrder {
    // The container's name is left out: what is run in it is run here.
    const exec = ['sh', '-c', 'shift; exec "$@"', 'sh'];
    const guest = { exec, container: `shop_${addon}_${this.port}`, gateway: '127.0.0.1' };
    const words = ['redis-server', '--port', String(this.port), ...command];
    const folder = join(this.folder, 'storky');
    return { app: 'shop', addon, folder, host: '127.0.0.1', guest, environment, command: words };
  }

  /** As a move has it. */
  async welcomed(addon: string): Promise<DatabaseInstance> {
    return await engine.guest!.welcome(await engine.guest!.describe(this.order(addon)));
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
