import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { LedgerPlace, LedgerVerdict, Summary } from '../../../examples/shop/visitors/index.js';
import { projectRoot, type Spawned, spawnForTest } from '../../support/spawned.ts';
import { enter, type Host } from './network.ts';

/** The shop's visitors on another machine of the network, where its router is; and what they find in the end. */
export class FarVisitors {
  readonly #ledger: string;
  readonly #process: Spawned;

  constructor(at: Host, url: string, folder: string) {
    this.#ledger = join(folder, 'ledger.json');
    const options = ['--url', url, '--host', 'shop.localhost', '--rate', '60', '--connections', '24', '--json'];
    const program = [process.execPath, `${projectRoot}examples/shop/visitors/main.js`, ...options];
    const [command, ...args] = enter(at, [...program, '--ledger', this.#ledger]);
    this.#process = spawnForTest(command!, args);
  }

  /** Until so many seconds were busy. */
  async atWork(seconds: number): Promise<void> {
    await this.#process.says(new RegExp(`(?:"requests":[1-9].*\\n[^]*?){${seconds}}`));
  }

  async stop(): Promise<Summary> {
    this.#process.signal('SIGINT');
    await this.#process.ended;
    return JSON.parse(this.#process.stdout().trim().split('\n').at(-1)!) as Summary;
  }

  /** By the database and the folder themselves, which only that machine can see. */
  async check(at: Host, place: LedgerPlace): Promise<LedgerVerdict> {
    const program = `
      const { checkLedger } = await import('${projectRoot}examples/shop/visitors/index.js');
      const { ledger, place } = JSON.parse(await new Response(process.stdin).text());
      console.log(JSON.stringify(await checkLedger(ledger, place)));`;
    const [command, ...args] = enter(at, [process.execPath, '--input-type=module', '-e', program]);
    const input = JSON.stringify({ ledger: JSON.parse(readFileSync(this.#ledger, 'utf8')), place });
    const checking = spawnForTest(command!, args, { input });
    const { code } = await checking.ended;
    expect(code, checking.output()).toBe(0);
    return JSON.parse(checking.stdout()) as LedgerVerdict;
  }
}
