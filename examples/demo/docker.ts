import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from '../../src/protocol/migration.ts';
import { composeHosts } from '../../test/e2e/stage/compose-hosts.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { forkVisitors, type Visitors } from '../shop/visitors/index.js';
import { closeTheBooks } from './books.ts';
import { chapter, phases, tell, tick } from './story.ts';
import { judge, type Verdict } from './verdict.ts';

export interface DockerDemo {
  folder: string;
  rate: number;
  /** Called in the opposite order at the end. */
  atEnd(work: () => unknown): void;
  started: number;
}

/** A shop that somebody runs with Compose on one host goes to another one, live: adopted, moved, and looked at. */
export async function performOnDocker({ folder, rate, atEnd, started }: DockerDemo): Promise<Verdict> {
  chapter('Two hosts with Docker, in network namespaces of this machine');
  const own = { folder: join(folder, 'hosts'), atEnd };
  mkdirSync(own.folder);
  const { stage, west, east, storky } = await composeHosts(own);
  tell('each has a Docker and a Storky agent of its own; nothing leads from one to the other but the agents');
  await west.up();
  const url = await west.proxy();
  await waitFor(
    () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    { timeout: 60_000, what: 'the shop' },
  );
  tell(`on the first one somebody runs a shop with Compose, with nginx in front: ${url}`);

  chapter(`Visitors come: ${rate} requests a second, half of them writes`);
  const visitors = await forkVisitors({ url, hostHeader: 'shop.localhost', rate, onTick: tick });
  await sleep(3_000);
  chapter('storky --region west adopt shop');
  for (const line of (await storky('--region', 'west', 'adopt', 'shop')).trimEnd().split('\n')) tell(line);
  const migration = await move(storky, visitors, (id) => stage.api.migrations.show({ app: 'shop', id }));

  const { summary, ledger } = await closeTheBooks(visitors, east, atEnd);
  return judge(summary, ledger, migration, (performance.now() - started) / 1000);
}

async function move(
  storky: (...args: string[]) => Promise<string>,
  visitors: Visitors,
  show: (id: string) => Promise<Migration>,
): Promise<Migration> {
  chapter('storky --app shop migration-create --to east');
  const created = await storky('--region', 'west', '--app', 'shop', 'migration-create', '--to', 'east');
  const id = /migration-run --prepare\s+(\S+)/.exec(created)![1]!;
  for (const [phase, what] of phases) {
    chapter(`storky --app shop migration-run --${phase} ${id}`);
    tell(what);
    await storky('--app', 'shop', 'migration-run', `--${phase}`, id);
    if (phase === 'prepare') await turnWebSockets(storky);
    tell(`${visitors.summary().requests} requests so far, ${visitors.summary().failed} failed`);
  }
  return await show(id);
}

/** Those that are older than the gate go past it. */
async function turnWebSockets(storky: (...args: string[]) => Promise<string>): Promise<void> {
  chapter('storky --app shop restart');
  tell('WebSockets that were open before the gate came in end with their container, and come back by the gate');
  tell((await storky('--region', 'west', '--app', 'shop', 'restart')).trim());
}
