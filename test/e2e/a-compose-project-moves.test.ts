import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { type ComposeHost, closeTheBooks, composeHosts, openForBusiness, served } from './stage/compose-hosts.ts';
import { projectDifferences } from './stage/project-differences.ts';

it.runIf(canRunDocker())(
  'a running Compose project is adopted and moves under load, is taken back, moves again, and is there as it was',
  async () => {
    const { west, east, storky } = await composeHosts();
    await west.up();
    const visitors = await openForBusiness(await west.proxy());
    const before = await west.inspected();
    const adopted = await storky('--region', 'west', 'adopt', 'shop');
    expect(adopted).toMatch(/db +database +1 container +postgresql 15/);
    expect(adopted).toMatch(/receipts +database +1 container +redis 7\.0/);
    expect(adopted).toMatch(/web +web +1 container +http 3000/);
    expect(adopted).toMatch(/worker +worker/);
    expect(await west.inspected()).toEqual(before);

    const run = (...args: string[]) => storky('--app', 'shop', ...args);
    const created = await run('migration-create', '--to', 'east');
    const id = /migration-run --prepare\s+(\S+)/.exec(created)![1]!;
    await run('migration-run', '--prepare', id);
    // A WebSocket that is older than the gate ends with its container, and comes back by the gate.
    expect(await run('--region', 'west', 'restart')).toMatch(/requests were held for/);
    await run('migration-run', '--data', id);
    await served(visitors);
    expect(await run('migration-run', '--finalize', id)).toMatch(/Freeze: .*\n.*Held:/);
    await served(visitors);
    // Without a password for anybody, and yet closed on the side that was left.
    expect(west.redis('RPUSH', 'receipts', 'stray')).toMatch(/^NOAUTH/);
    await run('migration-rollback', id);
    await served(visitors);
    await run('migration-run', '--finalize', id);
    await served(visitors);
    expect(await run('migration-complete', id)).toMatch(/ended|done/i);
    await served(visitors);
    const { status, stdout } = east.compose('ps');
    expect(status, stdout).toBe(0);
    expect(stdout).toMatch(/shop_web_1 .* Up .*0\.0\.0\.0:8000->3000/);
    expect(await projectDifferences(west, east)).toEqual([]);
    expect([await startedAgain(west, 'receipts'), await startedAgain(west, 'db')]).toEqual(['no', 'unless-stopped']);
    expect([await startedAgain(east, 'receipts'), await startedAgain(east, 'db')]).toEqual(
      Array(2).fill('unless-stopped'),
    );
    await closeTheBooks(visitors, east);
  },
  600_000,
);

/** By Docker itself, with the host. */
async function startedAgain({ docker }: ComposeHost, service: string): Promise<string | undefined> {
  return (await docker.getContainer(`shop_${service}_1`).inspect()).HostConfig.RestartPolicy?.Name;
}
