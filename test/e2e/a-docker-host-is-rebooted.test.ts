import { expect, it } from 'vitest';
import { canRunDocker } from '../support/docker-host.ts';
import { waitFor } from '../support/wait-for.ts';
import {
  type ComposeHost,
  closeTheBooks,
  composeHosts,
  openForBusiness,
  reboot,
  served,
} from './stage/compose-hosts.ts';

it.runIf(canRunDocker())(
  'either host is rebooted in each phase of a move: the ledger is complete, and exactly one side serves and works',
  async () => {
    const { stage, west, east, storky } = await composeHosts();
    await west.up();
    const visitors = await openForBusiness(await west.proxy(), 0);
    await storky('--region', 'west', 'adopt', 'shop');
    const run = (...args: string[]) => storky('--app', 'shop', ...args);
    const id = /migration-run --prepare\s+(\S+)/.exec(await run('migration-create', '--to', 'east'))![1]!;
    const both = async (working: ComposeHost) => {
      for (const [region, host] of [
        [stage.west, west],
        [stage.east, east],
      ] as const) {
        await reboot(region, host);
        await waitFor(async () => (await works(working)) && !(await works(working === west ? east : west)), {
          timeout: 60_000,
          what: `the shop to work in ${working.name} alone after a reboot of ${host.name}`,
        });
        await served(visitors);
      }
    };
    await run('migration-run', '--prepare', id);
    await both(west);
    await run('migration-run', '--data', id);
    await both(west);
    await run('migration-run', '--finalize', id);
    await both(east);
    // It forgets with each start that nobody may come in: it is shut again, after a crash too, and later not started at all.
    expect(west.redis('PING')).toMatch(/^NOAUTH/);
    await west.docker.getContainer('shop_receipts_1').kill();
    await waitFor(async () => (await runs(west, 'shop_receipts_1')) && /^NOAUTH/.test(west.redis('PING')), {
      timeout: 60_000,
      what: 'the receipts to be there again, and shut',
    });
    await run('migration-complete', id);
    await both(east);
    await closeTheBooks(visitors, east, { failed: Number.POSITIVE_INFINITY });
    expect(await runs(west, 'shop_web_1')).toBe(false);
    expect(await runs(west, 'shop_receipts_1')).toBe(false);
  },
  900_000,
);

/** Whoever works in the background does it on one side. */
const works = (host: ComposeHost): Promise<boolean> => runs(host, 'shop_worker_1');

const runs = (host: ComposeHost, name: string): Promise<boolean> =>
  host.docker
    .getContainer(name)
    .inspect()
    .then(
      ({ State }) => State.Running,
      () => false,
    );
