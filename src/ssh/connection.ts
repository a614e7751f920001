import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../protocol/errors.ts';
import { usualOptions } from './options.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** One connection of the system's own `ssh`, over which everything goes: `MaxSessions` and passwords are asked once. */
export class SshConnection {
  readonly destination: string;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  #master: ChildProcess | undefined;

  private constructor(destination: string, env: NodeJS.ProcessEnv) {
    this.destination = destination;
    this.#env = env;
    // The kernel takes 107 bytes for the path of a socket.
    this.#folder = mkdtempSync(join(tmpdir(), 'ssh-'));
    chmodSync(this.#folder, 0o700);
  }

  /**
   * Unknown host keys and passwords are asked for by `ssh` itself, at the terminal; where there is none, they fail.
   * Throws `ssh_failed`.
   */
  static async open(destination: string, env: NodeJS.ProcessEnv, interactive: boolean): Promise<SshConnection> {
    const connection = new SshConnection(destination, env);
    try {
      await connection.#connect(interactive);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** The key that the host has proven to have, after it was checked against the user's known hosts. */
  get hostKey(): string {
    const shown = readFileSync(this.#path('key'), 'utf8').trim().split('\n');
    return shown.at(-1)!;
  }

  /** The name or address of the host itself, behind aliases and jump hosts. */
  async hostName(): Promise<string> {
    const { stdout } = await this.#ssh(['-G', this.destination]);
    return /^hostname (.+)$/m.exec(stdout)?.[1] ?? new URL(this.destination).hostname;
  }

  /** A script for `sh`, whatever shell the user has. Throws `ssh_failed` where it fails, unless that is of interest. */
  async script(script: string, { mayFail = false } = {}): Promise<Ran> {
    const ran = await this.#ssh([...this.#shared, this.destination, 'exec /bin/sh -s'], script);
    if (ran.code !== 0 && !mayFail) throw this.#failed(ran.stderr.trim() || `exit code ${ran.code}`);
    return ran;
  }

  /** A command that reads the given bytes. Only plain words: it goes through the user's shell. */
  async feed(command: string, input: Readable): Promise<void> {
    const child = this.#spawn([...this.#shared, this.destination, command]);
    child.stdin!.on('error', () => {});
    input.pipe(child.stdin!);
    const { code, stderr } = await ended(child);
    if (code !== 0) throw this.#failed(stderr.trim() || `exit code ${code}`);
  }

  /** From a free port of the host's loopback to `host:port` as seen from here. Ends with the connection. */
  async forwardBack(to: string): Promise<number> {
    const { code, stdout, stderr } = await this.#ssh([
      ...this.#shared,
      ...['-O', 'forward', '-R', `127.0.0.1:0:${to}`],
      this.destination,
    ]);
    const port = Number(stdout.trim());
    if (code === 0 && port > 0) return port;
    throw this.#failed(`it does not forward to this machine (AllowTcpForwarding): ${stderr.trim()}`);
  }

  async close(): Promise<void> {
    const master = this.#master;
    if (master && master.exitCode === null && master.signalCode === null) {
      master.kill('SIGTERM');
      await once(master, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #connect(interactive: boolean): Promise<void> {
    const options = ['-M', '-N', '-S', this.#path('s'), '-o', 'ControlPersist=no', ...this.#noteHostKey()];
    const asks = interactive ? [] : ['-o', 'BatchMode=yes'];
    const master = this.#spawn([...options, ...asks, this.destination]);
    this.#master = master;
    let said = '';
    master.stderr!.setEncoding('utf8').on('data', (more: string) => (said += more));
    const over = once(master, 'close').then(
      () => true,
      () => true,
    );
    while (!existsSync(this.#path('s'))) {
      if (await Promise.race([over, sleep(50).then(() => false)])) throw this.#failed(said.trim() || 'it ended');
    }
  }

  /** `ssh` tells this program every key that a host shows; it knows none, so the user's known hosts decide. */
  #noteHostKey(): string[] {
    const program = this.#path('note');
    writeFileSync(this.#path('key'), '');
    const note = `[ "\${#2}" -gt 16 ] && printf '%s %s\\n' "$1" "$2" >> '${this.#path('key')}'`;
    writeFileSync(program, `#!/bin/sh\n${note}\nexit 0\n`, { mode: 0o700 });
    return ['-o', `KnownHostsCommand=${program} %t %K`];
  }

  get #shared(): string[] {
    return ['-S', this.#path('s'), '-o', 'ControlMaster=no', '-o', 'BatchMode=yes', '-T'];
  }

  async #ssh(args: string[], input?: string): Promise<Ran> {
    const child = this.#spawn(args);
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
    return ended(child);
  }

  #spawn(args: string[]): ChildProcess {
    return spawn('ssh', [...usualOptions(this.#env), ...args], { stdio: 'pipe', env: this.#env });
  }

  #failed(detail: string): StorkyError {
    return new StorkyError('ssh_failed', {
      destination: this.destination,
      detail: detail.split('\n').slice(-3).join(' '),
    });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

async function ended(child: ChildProcess): Promise<Ran> {
  const output = Promise.all([text(child.stdout!), text(child.stderr!)]);
  const [code] = await once(child, 'close');
  const [stdout, stderr] = await output;
  return { code: code ?? 255, stdout, stderr };
}
