import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { closeTheBooks, composeHosts, openForBusiness, served } from './stage/compose-hosts.ts';

it.runIf(canRunDocker())(
  'abort leaves a project as it was, on both hosts: containers, networks, volumes, images and the packet filter',
  async () => {
    const { west, east, storky } = await composeHosts();
    await west.up();
    const visitors = await openForBusiness(await west.proxy(), 0);
    const before = [await west.inspected(), await east.inspected()];
    const roles = await west.sql('SELECT rolname FROM pg_roles ORDER BY 1');
    await storky('--region', 'west', 'adopt', 'shop');
    const plan = await storky('plan', 'shop', '--to', 'east');
    expect(plan).toMatch(/db +live +postgresql 15 /);
    expect(plan).toMatch(/To copy: .* at 1 Gbit/);
    expect([await west.inspected(), await east.inspected()]).toEqual(before);
    const run = (...args: string[]) => storky('--app', 'shop', ...args);
    const created = await run('migration-create', '--to', 'east');
    const id = /migration-run --prepare\s+(\S+)/.exec(created)![1]!;
    await run('migration-run', '--prepare', id);
    expect(await west.inspected()).not.toEqual(before[0]);
    await run('migration-run', '--data', id);
    await served(visitors);
    await run('migration-abort', id);
    expect([await west.inspected(), await east.inspected()]).toEqual(before);
    expect(await west.sql('SELECT rolname FROM pg_roles ORDER BY 1')).toEqual(roles);
    await served(visitors);
    await closeTheBooks(visitors, west);
  },
  600_000,
);
