import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { composeHosts } from './stage/compose-hosts.ts';
import { closeTheGuestbookOn, guestbook, guestsOf, linesOf, someMore } from './stage/guestbook-in-containers.ts';
import { projectDifferences } from './stage/project-differences.ts';

it.runIf(canRunDocker())(
  'a Compose project on MariaDB is adopted and moves under load, is taken back, and moves again',
  async () => {
    const { west, east, storky } = await composeHosts(undefined, guestbook);
    await west.up();
    const guests = await guestsOf(west);
    const before = await west.inspected();
    const adopted = await storky('--region', 'west', 'adopt', 'shop');
    expect(adopted).toMatch(/db +database +1 container +mariadb 10\.11/);
    expect(adopted).toMatch(/logo\.svg: db starts on the other side before it is there/);
    expect(await west.inspected()).toEqual(before);

    const run = (...args: string[]) => storky('--app', 'shop', ...args);
    const created = await run('migration-create', '--to', 'east');
    const id = /migration-run --prepare\s+(\S+)/.exec(created)![1]!;
    await run('migration-run', '--prepare', id);
    await run('--region', 'west', 'restart');
    await run('migration-run', '--data', id);
    await someMore(guests);
    expect(await run('migration-run', '--finalize', id)).toMatch(/Freeze: .*\n.*Held:/);
    await someMore(guests);
    expect(linesOf(west, 'SELECT 1').join()).toMatch(/locked/);
    await run('migration-rollback', id);
    await someMore(guests);
    await run('migration-run', '--finalize', id);
    await someMore(guests);
    expect(await run('migration-complete', id)).toMatch(/ended|done/i);
    await someMore(guests);
    expect(await projectDifferences(west, east)).toEqual([]);
    await closeTheGuestbookOn(east, guests);
    const accounts = 'SELECT User FROM mysql.user ORDER BY User';
    expect(linesOf(east, accounts, 'root')).toEqual(['guest', 'mariadb.sys', 'root', 'root']);
  },
  600_000,
);
