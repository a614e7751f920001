import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { rememberServer } from '../connection/config.ts';
import type { ExitCode } from '../exit.ts';
import type { Io, Output } from '../io.ts';
import { runCli } from '../run.ts';
import { type TestServer, token } from './server.test-support.ts';

export interface Said {
  exit: ExitCode;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** What a person types at a terminal; without it there is no terminal. */
  typed?: string;
  cwd?: string;
  columns?: number;
  signal?: AbortSignal;
  onStdout?: (text: string) => void;
}

/** A user with a home folder of their own. */
export class User implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), 'storky-cli-user-'));

  knows(server: TestServer, with_: string = token): this {
    rememberServer({ env: this.env }, server.address, { token: with_, ca: server.authority.certificate });
    return this;
  }

  get env(): Record<string, string> {
    return { HOME: this.home, XDG_CONFIG_HOME: join(this.home, 'config'), PATH: process.env.PATH ?? '', TERM: 'xterm' };
  }

  /** Runs one command line in-process. */
  async runs(line: string | string[], options: RunOptions = {}): Promise<Said> {
    const { env = {}, typed, cwd = this.home, columns = 100, signal = new AbortController().signal } = options;
    const isTTY = typed !== undefined;
    const [stdout, stderr] = [new Captured(isTTY, columns, options.onStdout), new Captured(isTTY, columns)];
    const stdin: Io['stdin'] = Object.assign(new PassThrough(), { isTTY });
    stdin.push(typed ?? null);
    const io: Io = { stdin, stdout, stderr, env: { ...this.env, ...env }, cwd, signal };
    const argv = typeof line === 'string' ? line.split(' ').filter(Boolean) : line;
    const exit = await runCli(argv, io);
    return { exit, stdout: stdout.text, stderr: stderr.text };
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

class Captured extends Writable implements Output {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows = 60;

  readonly #onText: ((text: string) => void) | undefined;

  constructor(isTTY: boolean, columns: number, onText?: (text: string) => void) {
    super();
    this.#onText = onText;
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    this.#onText?.(chunk.toString());
    done();
  }
}
