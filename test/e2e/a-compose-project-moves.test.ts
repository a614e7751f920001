import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { closeTheBooks, composeHosts, openForBusiness, served } from './stage/compose-hosts.ts';

it.runIf(canRunDocker())(
  'a running Compose project is adopted and moves, under load: nothing lost, nobody sees an error',
  async () => {
    const { west, east, storky } = await composeHosts();
    await west.up();
    const visitors = await openForBusiness(west);
    const before = await west.inspected();
    const adopted = await storky('--region', 'west', 'adopt', 'shop');
    expect(adopted).toMatch(/db +database +1 container +postgresql 15/);
    expect(adopted).toMatch(/web +web +1 container +http 3000/);
    expect(adopted).toMatch(/worker +worker/);
    expect(await west.inspected()).toEqual(before);

    const created = await storky('--app', 'shop', 'migration-create', '--to', 'east');
    const id = /migration-run --prepare\s+(\S+)/.exec(created)?.[1];
    expect(id, created).toBeDefined();
    await storky('--app', 'shop', 'migration-run', '--prepare', id!);
    console.log(await storky('--app', 'shop', '--region', 'west', 'restart'));
    await storky('--app', 'shop', 'migration-run', '--data', id!);
    await served(visitors);
    const end = await storky('--app', 'shop', 'migration-run', '--finalize', id!);
    console.log(end);
    await served(visitors);
    await closeTheBooks(visitors, east);
  },
  600_000,
);
