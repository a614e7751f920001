import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { closeTheBooks, composeHosts, openForBusiness, served } from './stage/compose-hosts.ts';
import { nginxInFront } from './stage/nginx-in-front.ts';

it.runIf(canRunDocker())(
  'nginx, which packet rules cannot turn, is told of the gate and of nothing else, and forgets it afterwards',
  async () => {
    const { stage, west, east, storky } = await composeHosts();
    await west.up({ fixed: true });
    const proxy = await nginxInFront(west);
    const all = async () => [await west.inspected(), proxy.configuration()];
    const visitors = await openForBusiness(proxy.url, 0);
    const before = await all();
    expect(await storky('--region', 'west', 'adopt', 'shop', ...proxy.options)).toMatch(/nginx .* told of the gate/);
    expect(await all()).toEqual(before);

    const run = (...args: string[]) => storky('--app', 'shop', ...args);
    const create = async () => {
      const text = await run('migration-create', '--to', 'east');
      expect(text).toMatch(/nginx\s+\(\/srv\/upstream\.conf\)\s+is\s+told\s+of\s+the\s+gate\s+before\s+the\s+freeze/);
      return /migration-run --prepare\s+(\S+)/.exec(text)![1]!;
    };
    const aborted = await create();
    expect(await all()).toEqual(before);
    await run('migration-run', '--prepare', aborted);
    expect(proxy.configuration()).toMatch(/server 127\.0\.0\.1:\d+ max_fails=0; # storky:shop/);
    // Longer than packet rules live without an agent.
    await stage.west.killAgent();
    await served(visitors, 300);
    await stage.west.startAgent();
    await served(visitors);
    await run('migration-abort', aborted);
    expect(await all()).toEqual(before);
    await served(visitors);

    const id = await create();
    await run('migration-run', '--prepare', id);
    await run('migration-run', '--data', id);
    const gate = proxy.configuration();
    await run('migration-run', '--finalize', id);
    await served(visitors);
    await run('migration-rollback', id);
    await served(visitors);
    await run('migration-run', '--finalize', id);
    await run('migration-complete', id);
    await served(visitors);
    expect(proxy.configuration()).toBe(gate);
    await closeTheBooks(visitors, east);
    await run('--region', 'west', 'remove');
    expect([proxy.configuration()]).toEqual(before.slice(1));
  },
  600_000,
);
