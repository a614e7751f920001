import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const storky = fileURLToPath(new URL('../../bin/storky.js', import.meta.url));
const graceMs = 20_000;

/** The processes that the demo starts: the same commands as anybody types, with a configuration of their own. */
export class Processes {
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #running: ChildProcess[] = [];
  /** By the name that `start` was given. */
  readonly pids: Record<string, number> = {};

  constructor(folder: string) {
    this.folder = folder;
    const own = { XDG_CONFIG_HOME: join(folder, 'config'), STORKY_LOG: process.env.STORKY_LOG ?? 'warn' };
    this.#environment = { ...process.env, ...own };
  }

  /** Starts `storky …` in the background and resolves with the JSON that it prints when it is ready. */
  async start<T>(name: string, args: string[]): Promise<T> {
    const child = this.#spawn([...args, '--json'], ['ignore', 'pipe', 'pipe']);
    this.#running.push(child);
    this.pids[name] = child.pid!;
    const logFile = join(this.folder, `${name}.log`);
    child.stderr!.pipe(createWriteStream(logFile));
    const ready = once(createInterface({ input: child.stdout! }), 'line') as Promise<string[]>;
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`storky ${args[0]} ended with exit code ${code}; its log is ${logFile}`);
    });
    const [line] = await Promise.race([ready, ended]);
    return JSON.parse(line!) as T;
  }

  /** Runs `storky …` to its end and gives what it printed; `live` shows it instead. */
  async run(args: string[], { live = false } = {}): Promise<string> {
    const how = live ? 'inherit' : 'pipe';
    const child = this.#spawn(args, ['ignore', how, how]);
    let output = '';
    let complaint = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    const [code] = await once(child, 'close');
    if (code === 0) return output;
    throw new Error(`storky ${args.join(' ')} ended with exit code ${code}\n${output}${complaint}`);
  }

  async json<T>(args: string[]): Promise<T> {
    return JSON.parse(await this.run([...args, '--json'])) as T;
  }

  async stopAll(): Promise<void> {
    for (const child of this.#running.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(hard);
    }
  }

  #spawn(args: string[], stdio: ('ignore' | 'pipe' | 'inherit')[]): ChildProcess {
    return spawn(process.execPath, [storky, ...args], { env: this.#environment, stdio });
  }
}
