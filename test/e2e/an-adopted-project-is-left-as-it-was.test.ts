import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { type ComposeHost, closeTheBooks, composeHosts, openForBusiness, served } from './stage/compose-hosts.ts';

it.runIf(canRunDocker())(
  'abort leaves a project as it was, on both hosts: containers, networks, volumes, images and the packet filter',
  async () => {
    const { stage, west, east, storky } = await composeHosts();
    await west.up();
    const visitors = await openForBusiness(await west.proxy(), 0);
    const before = [await west.inspected(), await east.inspected()];
    const roles = await west.sql('SELECT rolname FROM pg_roles ORDER BY 1');
    const users = west.redis('ACL', 'LIST');
    await storky('--region', 'west', 'adopt', 'shop');
    const plan = await storky('plan', 'shop', '--to', 'east');
    expect(plan).toMatch(/db +live +postgresql 15 /);
    expect(plan).toMatch(/receipts +live +redis 7\.0 /);
    expect(plan).toMatch(/To copy: .* at 1 Gbit/);
    expect([await west.inspected(), await east.inspected()]).toEqual(before);
    const run = (...args: string[]) => storky('--app', 'shop', ...args);
    const created = await run('migration-create', '--to', 'east');
    const id = /migration-run --prepare\s+(\S+)/.exec(created)![1]!;
    await run('migration-run', '--prepare', id);
    await takeNames(east);
    await expect(run('migration-run', '--data', id)).rejects.toThrow(/There is a volume shop_\w+ in east already/);
    await run('migration-abort', id);
    await giveNamesUp(east);
    expect([await west.inspected(), await east.inspected()]).toEqual(before);
    const again = await run('migration-create', '--to', 'east');
    const second = /migration-run --prepare\s+(\S+)/.exec(again)![1]!;
    await run('migration-run', '--prepare', second);
    expect(await west.inspected()).not.toEqual(before[0]);
    await run('migration-run', '--data', second);
    await served(visitors);
    await run('migration-abort', second);
    expect([await west.inspected(), await east.inspected()]).toEqual(before);
    expect(await west.sql('SELECT rolname FROM pg_roles ORDER BY 1')).toEqual(roles);
    expect(west.redis('ACL', 'LIST')).toEqual(users);
    await served(visitors);
    await closeTheBooks(visitors, west);
    // Its owner has stopped it: in no migration, an agent that is started leaves it so.
    expect(west.compose('stop').status).toBe(0);
    await stage.west.killAgent();
    await stage.west.startAgent();
    const { containers } = (await west.inspected()) as { containers: { State: { Running: boolean } }[] };
    expect(containers.map(({ State }) => State.Running)).not.toContain(true);
  },
  600_000,
);

/** Somebody else brings something up there, under names that the preflight has found free. */
async function takeNames(host: ComposeHost): Promise<void> {
  done(host, 'docker', 'create', '--name', 'shop_worker_1', '-v', 'shop_uploads:/uploads', 'shop-web:latest', 'node');
  const { Mountpoint } = await host.docker.getVolume('shop_uploads').inspect();
  done(host, 'sh', '-c', `echo theirs > ${Mountpoint}/note`);
}

async function giveNamesUp(host: ComposeHost): Promise<void> {
  const { Mountpoint } = await host.docker.getVolume('shop_uploads').inspect();
  expect(done(host, 'cat', `${Mountpoint}/note`)).toBe('theirs\n');
  done(host, 'docker', 'rm', 'shop_worker_1');
  done(host, 'docker', 'volume', 'rm', 'shop_uploads');
  done(host, 'docker', 'image', 'rm', 'shop-web:latest');
}

function done(host: ComposeHost, ...command: string[]): string {
  const { status, stdout, stderr } = host.run(...command);
  expect(status, stderr).toBe(0);
  return stdout;
}
