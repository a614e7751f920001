import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { Agent, request } from 'undici';
import { expect, onTestFinished } from 'vitest';
import { bringModules } from '../../support/bring-modules.ts';
import { projectRoot, runStorky } from '../../support/spawned.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Region } from './region.ts';
import type { Stage } from './stage.ts';

/** Applies the app, with the client that this project has itself, so that no registry is asked. */
export async function openGuestbook(
  stage: Stage,
  region: Region,
  change: (folder: string) => void = () => {},
): Promise<void> {
  const folder = join(stage.folder, 'guestbook');
  cpSync(join(projectRoot, 'test/e2e/guestbook'), folder, { recursive: true });
  bringModules(folder, 'mysql2');
  change(folder);
  const apply = ['--region', region.name, 'apply', '-f', join(folder, 'storky.yaml'), '--yes'];
  const { code, output } = await runStorky(apply, { env: stage.env });
  expect(code, output).toBe(0);
}

/** Guests with a ledger: what number each was told. They leave with the test. */
export class Guests {
  readonly acknowledged = new Map<string, number>();
  readonly failures: string[] = [];
  readonly servedBy: Record<string, number> = {};
  #stopped = false;
  readonly #url: string;
  readonly #name: string;
  readonly #agent = new Agent({ connections: 6 });
  readonly #running: Promise<void>[];

  constructor(region: Pick<Region, 'url'>, name = 'g') {
    this.#name = name;
    this.#url = region.url;
    this.#running = Array.from({ length: 6 }, (_, n) => this.#visit(n));
    onTestFinished(() => this.stop());
  }

  async reached(count: number): Promise<void> {
    await waitFor(() => this.acknowledged.size >= count, { timeout: 60_000, what: `${count} acknowledged requests` });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    if (!this.#agent.closed) await this.#agent.close();
  }

  async #visit(guest: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const id = `${this.#name}${guest}-${n}`;
      const options = { method: 'POST', headers: { host: 'guestbook.localhost' }, dispatcher: this.#agent } as const;
      try {
        const answer = await request(`${this.#url}/sign/${id}`, options);
        const text = await answer.body.text();
        if (answer.statusCode !== 201) this.failures.push(`${id}: ${answer.statusCode} ${text}`);
        else {
          const { number, region } = JSON.parse(text) as { number: number; region: string };
          this.acknowledged.set(id, number);
          this.servedBy[region] = (this.servedBy[region] ?? 0) + 1;
        }
      } catch (error) {
        this.failures.push(`${id}: ${(error as Error).message}`);
      }
      await sleep(80);
    }
  }
}

/** Each acknowledged line is there once, under the number that its guest was told, and was counted once. */
export async function closeTheGuestbook(guests: Guests, servedBy: Region): Promise<void> {
  await guests.stop();
  expect(guests.failures).toEqual([]);
  const rows = await rowsOf(servedBy, 'SELECT id, number FROM signed');
  const there = new Map(rows.map(({ id, number }) => [id as string, number as number]));
  expect([...guests.acknowledged].filter(([id, number]) => there.get(id) !== number)).toEqual([]);
  const [page] = await rowsOf(servedBy, 'SELECT lines_on FROM pages');
  expect(page!.lines_on).toBe(rows.length);
}

/** As the app. */
export async function rowsOf(region: Region, sql: string): Promise<Record<string, unknown>[]> {
  const { host, port, user, password, database } = region.document('guestbook').instances[0]!;
  const connection = await mysql.createConnection({ host, port, user, password, database });
  try {
    return (await connection.query(sql))[0] as Record<string, unknown>[];
  } finally {
    connection.destroy();
  }
}
