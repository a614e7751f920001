import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { log } from '../../base/log.ts';
import type { LocalHandle } from '../../drivers/runtime/local/handle.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { IdentityFiles } from './identity.ts';
import { answers } from './router-answers.ts';
import { RouterProcess, spawnRouter } from './router-process.ts';

export interface RouterPlace {
  host: string;
  port: number;
}

/** What the router reads at its start, from the file that it is given. */
export interface RouterConfig {
  region: string;
  /** Where it keeps its gates, so that it restores them by itself. */
  stateFile: string;
  socketPath: string;
  http: RouterPlace;
  https?: RouterPlace;
  /** For other regions' routers: mutual TLS with the agent's identity. */
  ingress: RouterPlace & { cert: string; key: string; ca: string };
}

export interface RouterOrder {
  region: string;
  dataFolder: string;
  http: RouterPlace;
  https?: RouterPlace;
  ingress: RouterPlace;
  identity: IdentityFiles;
  /** The program; the router's own unless a test brings another. */
  main?: string;
}

/** Keeps this region's router running, without owning it: it goes on through every restart of the agent. */
export class RouterSupervisor {
  readonly config: RouterConfig;
  readonly #folder: string;
  readonly #main: string;
  readonly #released = new AbortController();
  #process: RouterProcess | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(order: RouterOrder) {
    this.#folder = join(order.dataFolder, 'router');
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#main = order.main ?? routerMain;
    const { certificate: cert, key, ca } = order.identity;
    this.config = {
      region: order.region,
      stateFile: join(this.#folder, 'state.json'),
      socketPath: socketPath(this.#folder),
      http: order.http,
      https: order.https,
      ingress: { ...order.ingress, cert, key, ca },
    };
  }

  get pid(): number | undefined {
    return this.#process?.handle.pid;
  }

  /** Finds the router that runs, or starts it. Resolves when it answers. */
  async start(): Promise<void> {
    const found = await this.#find();
    this.#process = found ?? (await this.#spawn());
    await this.#ready();
    found?.renew();
    this.#watching = this.#watch();
  }

  /** Leaves the router running for the next agent. */
  async release(): Promise<void> {
    this.#released.abort();
    await this.#watching;
  }

  async stop(): Promise<void> {
    await this.release();
    await this.#process?.stop();
    rmSync(this.#path('process.json'), { force: true });
  }

  /** One that was started with other ports or another identity is ended: it would serve under an address nobody knows. */
  async #find(): Promise<RouterProcess | undefined> {
    const handle = readJson<LocalHandle>(this.#path('process.json'));
    if (!handle) return undefined;
    const found = new RouterProcess(handle);
    if (!found.alive) return undefined;
    const wanted = JSON.parse(JSON.stringify(this.config)) as RouterConfig;
    if (isDeepStrictEqual(readJson(this.#path('config.json')), wanted)) return found;
    await found.stop();
    return undefined;
  }

  async #spawn(): Promise<RouterProcess> {
    writeJsonAtomic(this.#path('config.json'), this.config);
    const command = [process.execPath, this.#main, this.#path('config.json')];
    return spawnRouter(command, this.#path('router.log'), (handle) =>
      writeJsonAtomic(this.#path('process.json'), handle),
    );
  }

  async #ready(): Promise<void> {
    for (const until = performance.now() + readyMs; performance.now() < until; await sleep(30)) {
      if (await answers(this.config.socketPath)) return;
      if (!this.#process!.alive) throw this.#failed('it ended at once');
    }
    await this.#process!.stop();
    throw this.#failed(`it did not answer within ${readyMs / 1000} s`);
  }

  #failed(detail: string): StorkyError {
    return new StorkyError('internal', {
      detail: `the router did not start: ${detail}; see ${this.#path('router.log')}`,
    });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#released;
    const released = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    let failures = 0;
    while (!signal.aborted) {
      const since = performance.now();
      await Promise.race([this.#process!.ended(), released]);
      if (signal.aborted) return;
      failures = performance.now() - since > steadyMs ? 0 : failures + 1;
      const pauseMs = failures === 0 ? 0 : Math.min(50 * 2 ** failures, 5000);
      log.error({ pid: this.pid, pauseMs }, 'the router ended; it is started again');
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#again();
    }
  }

  async #again(): Promise<void> {
    try {
      this.#process = await this.#spawn();
      await this.#ready();
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the router did not come up');
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

const readyMs = 15_000;
/** After so long a life, an end counts as the first one again. */
const steadyMs = 30_000;

/** The router's program, `.ts` in a clone and `.js` in an installed package, as this file. */
const routerMain = fileURLToPath(new URL(`../../router/main${import.meta.url.slice(-3)}`, import.meta.url));

/** The kernel takes 107 bytes; below a deep data folder the socket moves to a folder that only we may enter. */
function socketPath(folder: string): string {
  const near = join(folder, 'control.sock');
  if (Buffer.byteLength(near) <= 107) return near;
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const far = join(tmpdir(), `storky-${process.getuid?.() ?? 0}-${name}`);
  mkdirSync(far, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(far);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0) throw new Error(`${far} belongs to somebody else`);
  return join(far, 'control.sock');
}
