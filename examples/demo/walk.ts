import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from '../../src/protocol/migration.ts';
import { dockerHosts } from '../../test/e2e/stage/compose-hosts.ts';
import { openSshDoors } from '../../test/e2e/stage/ssh-door.ts';
import { type AtEnd, runStorky, spawnStorky } from '../../test/support/spawned.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { forkVisitors } from '../shop/visitors/index.js';
import { closeTheBooks } from './books.ts';
import type { DockerDemo } from './docker.ts';
import { chapter, tell } from './story.ts';
import { judge, type Verdict } from './verdict.ts';

/** What somebody types who has a Compose app on one host, an empty second one, and Storky on the own machine: five commands. */
export async function walkOnDocker({ folder, rate, atEnd, started }: DockerDemo): Promise<Verdict> {
  const own = { folder: join(folder, 'hosts'), atEnd };
  mkdirSync(own.folder);
  chapter('Two hosts with Docker and sshd, in network namespaces of this machine; on the first, a shop under Compose');
  const { west, east } = await dockerHosts(own);
  await west.up();
  const url = await west.proxy();
  const healthy = async () => (await fetch(`${url}/health`)).ok;
  await waitFor(() => healthy().catch(() => false), { timeout: 60_000, what: 'the shop' });
  const doors = await openSshDoors([west, east], own);
  const visitors = await forkVisitors({ url, hostHeader: 'shop.localhost', rate, webSockets: 0 });
  await sleep(3_000);

  const user = userWith({ XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, STORKY_SSH_CONFIG: doors.config }, atEnd);
  await user.serves();
  await user.types('regions-add', 'fr1', doors.destinations[0]!);
  await user.types('regions-add', 'fr2', doors.destinations[1]!);
  await user.types('--region', 'fr1', 'adopt', 'shop');
  await user.types('move', 'shop', '--from', 'fr1', '--to', 'fr2', '--yes');
  tell(`five commands, ${user.seconds().toFixed(0)} seconds`);

  const { summary, ledger } = await closeTheBooks(visitors, east, atEnd);
  const migration = await user.lastMigration();
  return judge(summary, ledger, migration, (performance.now() - started) / 1000);
}

/** At a terminal of the own machine: shows each command, its output as it is, and how long it took. */
function userWith(env: Record<string, string>, atEnd: AtEnd) {
  let total = 0;
  const timed = async (args: string[], work: () => Promise<string>) => {
    console.error(`\n$ storky ${args.join(' ')}`);
    const begun = performance.now();
    const output = await work();
    const seconds = (performance.now() - begun) / 1000;
    total += seconds;
    console.error(`${output.trim()}\n[${seconds.toFixed(1)} s]`);
  };
  const run = async (args: string[]) => {
    const { code, stdout, output } = await runStorky(args, { env, atEnd });
    if (code !== 0) throw new Error(`storky ${args.join(' ')} ended with ${code}:\n${output}`);
    return { stdout, output };
  };
  return {
    seconds: () => total,
    types: (...args: string[]) => timed(args, async () => (await run(args)).output),
    /** It goes on in the background, as with `&`. */
    async serves() {
      const args = ['server', '--login', ...((await isFree(8600)) ? [] : ['--listen', '127.0.0.1:0'])];
      return await timed(args, async () => {
        const server = spawnStorky(args, { env, atEnd });
        await server.says(/storky regions-add/, 90_000);
        return server.output();
      });
    },
    async lastMigration(): Promise<Migration> {
      const { stdout } = await run(['migrations', '--app', 'shop', '--json']);
      return (JSON.parse(stdout) as Migration[])[0]!;
    },
  };
}

/** Nobody listens there on this machine's loopback: a server of its owner goes on undisturbed. */
async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
