import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Migration } from '../protocol/migration.ts';
import { startTestServer, type TestServer } from './testing/server.test-support.ts';
import { User } from './testing/storky.test-support.ts';
import { backOut, switched } from './testing/switches.test-support.ts';
import { fail } from './testing/world.test-support.ts';

let server: TestServer;
let user: User;
beforeAll(async () => {
  server = await startTestServer();
  user = new User().knows(server);
});
afterAll(async () => {
  user[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  const { world } = server;
  world.endings.finalize = world.endings.rollback = world.endings.complete = undefined;
  world.migrations.length = world.apps.length = world.calls.length = 0;
});

/** The old home is osc-fr1, where the app is called shop; the new one is osc-secnum-fr1, where it is shop-2. */
const wentThrough = (switches: number, change: Partial<Migration> = {}) =>
  server.world.addMigration(switched(switches, { dstAppName: 'shop-2', ...change }));
const without = (change: Partial<Migration> = {}) => wentThrough(1, { withoutWayBack: true, ...change });
const asked = () => server.world.calls.filter(({ name }) => name === 'migrations.run').map(({ input }) => input);
const lastLines = (text: string, n: number) => text.trimEnd().split('\n').slice(-n);
const on = 'storky --region osc-fr1 --app shop';

describe('after a switch', () => {
  test('it is said how far the old side follows, what that costs, how to end it and how to switch back', async () => {
    const { id } = server.world.addMigration({ status: 'data-migrated' });
    const said = await user.runs(`--app shop migration-run --finalize ${id} --yes`);
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain(
      'osc-fr1 then follows every change, so that you can switch back, until migration-complete.',
    );
    expect(lastLines(said.stdout, 4)).toEqual([
      'Way back: osc-fr1 follows, 2.4 kB and 30 ms behind. osc-secnum-fr1 keeps 24.0 MB for it; its disk has 80.0 GB free',
      `Next: ${on} migration-complete ${id}`,
      '  Not urgent: it ends the way back, and what that costs.',
      `To switch back: ${on} migration-rollback ${id}`,
    ]);
  });

  test('a rollback that leaves an addon says what that costs, asks for it, and the end says that it stays in use', async () => {
    const { id } = wentThrough(1);
    const said = await user.runs(`--app shop migration-rollback ${id} --leave db --yes`);
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain(
      'Leave db in osc-secnum-fr1: osc-fr1 uses it from there, and every query takes a round trip more.',
    );
    expect(said.stdout).toContain('Its copy in osc-fr1 is GIVEN UP');
    expect(asked()).toMatchObject([{ step: 'rollback', leave: ['db'] }]);

    const left = wentThrough(2);
    Object.assign(left.report.stores[0]!, { carrier: 'remote', region: 'osc-secnum-fr1' });
    const ended = await user.runs(`--app shop migration-complete ${left.id} --yes`);
    expect(ended.stdout).toContain('NOT sealed: db, which osc-fr1 goes on using in osc-secnum-fr1.');
  });

  test('where it cannot be taken back, the reason is told in yellow, and the next command shows the app', async () => {
    const { id } = without();
    const said = await user.runs(`--app shop migration-follow ${id}`, { typed: '' });
    expect(said.stdout).toContain('\x1b[33mNo way back: the switch was wanted without one.\x1b[39m');
    const plain = await user.runs(`--app shop migration-follow ${id}`);
    expect(lastLines(plain.stdout, 1)).toEqual(['Next: storky --region osc-secnum-fr1 --app shop-2 app']);
    expect(plain.stdout).not.toContain('migration-rollback');
  });

  test('one that was lost after it was built is ended by completing', async () => {
    const migration = wentThrough(1);
    Object.assign(migration.report.wayBack!, { open: false, reason: 'db: the disk of osc-secnum-fr1 was filling up' });
    const said = await user.runs(`--app shop migration-follow ${migration.id}`);
    expect(said.stdout).toContain('No way back: db: the disk of osc-secnum-fr1 was filling up.');
    expect(said.stdout).toContain(`Next: ${on} migration-complete ${migration.id}`);
  });

  test('a store that does not follow is named', async () => {
    const migration = wentThrough(1);
    Object.assign(migration.report.wayBack!.stores[0]!, { stage: 'failed', detail: 'the stream was cut' });
    const said = await user.runs(`--app shop migration-follow ${migration.id}`);
    expect(said.stdout).toContain('Way back: db does not follow: the stream was cut');
  });

  test('migrations has a column for it, only where there is something to tell', async () => {
    server.world.addMigration({ status: 'prepared' });
    expect((await user.runs('--app shop migrations')).stdout).not.toContain('Way back');
    without();
    wentThrough(1);
    const { stdout } = await user.runs('--app shop migrations');
    expect(stdout).toMatch(/Status +Way back\n/);
    expect(stdout).toMatch(/done +open\n/);
    expect(stdout).toMatch(/done +none\n/);
    expect(stdout).toMatch(/prepared *\n/);
  });
});

describe('--no-way-back', () => {
  test('is asked for by finalize, told before the question, and repeated in the command that tries again', async () => {
    const { id } = server.world.addMigration({ status: 'data-migrated' });
    server.world.endings.finalize = backOut('finalize', 'data-migrated');
    const said = await user.runs(`--app shop migration-run --finalize --no-way-back ${id} --yes`);
    expect(asked()).toMatchObject([{ step: 'finalize', withoutWayBack: true }]);
    expect(said.stdout).toContain('There is NO WAY BACK after it: the switch was wanted without one.');
    expect(said.stdout).toContain(`Next: ${on} migration-run --finalize --no-way-back ${id}`);
  });

  test('holds for a phase that goes on after a failure, not for one that begins anew', async () => {
    const error = { status: 'error', failedPhase: 'finalize', withoutWayBack: true } as const;
    await user.runs(`--app shop migration-run --finalize ${server.world.addMigration(error).id} --yes`);
    const again = server.world.addMigration({ status: 'data-migrated', withoutWayBack: true });
    await user.runs(`--app shop migration-run --finalize ${again.id} --yes`);
    expect(asked()).toMatchObject([{ withoutWayBack: true }, { withoutWayBack: false }]);
  });

  test('is said of no other phase', async () => {
    const { id } = server.world.addMigration({ status: 'prepared' });
    await user.runs(`--app shop migration-run --data ${id} --yes`);
    expect(asked()[0]).not.toHaveProperty('withoutWayBack');
  });

  test('move and migration-rollback have it too', async () => {
    await user.runs('move shop --from osc-fr1 --to osc-secnum-fr1 --no-way-back --yes');
    await user.runs(`--app shop migration-rollback --no-way-back ${wentThrough(1).id} --yes`);
    expect(asked()).toMatchObject([
      { step: 'prepare' },
      { step: 'data' },
      { step: 'finalize', withoutWayBack: true },
      { step: 'rollback', withoutWayBack: true },
    ]);
  });
});

describe('migration-rollback', () => {
  test('says what comes back and what does not, asks, and ends with the numbers of the switch back', async () => {
    server.world.addApp({ name: 'shop', domains: [{ name: 'shop.example' }] });
    server.world.addApp({ name: 'shop-2' }, 'osc-secnum-fr1');
    const { id } = wentThrough(1);
    const said = await user.runs(`--app shop migration-rollback ${id} --budget 5s`, { typed: 'y\n', columns: 200 });
    expect(said.exit).toBe(0);
    const plain = said.stdout.replace(/\x1b\[\??[0-9;]*[A-Za-z]/g, '');
    const [asking, ended] = plain.split('[y/N]') as [string, string];
    expect(asking).toContain(`The rollback will
  Switch back: requests are held for about 42 ms, none is refused; then osc-fr1 as shop answers them again.
  What was written in osc-secnum-fr1 since the switch comes along: osc-fr1 has followed every change.
  Settings changed there since the switch (variables, scale, domains, build) do NOT: osc-fr1 has its own.
  After 5 s the switch backs out by itself and osc-secnum-fr1 serves on.
  Workers move back too. osc-secnum-fr1 forwards what still arrives.
  osc-secnum-fr1 then follows every change, so that you can switch back, until migration-complete.`);
    expect(asked()).toMatchObject([{ step: 'rollback', budgetMs: 5_000, withoutWayBack: false }]);
    expect(ended).toContain('✔ Switch back Done!');
    expect(ended).toContain('back to osc-secnum-fr1 · live · in-sync');
    expect(ended).toContain('✔ shop is served by osc-fr1 again: http://shop.osc-fr1.test');
    expect(ended).toContain('osc-secnum-fr1 forwards what still arrives there');
    expect(ended).toMatch(/Held: +53 requests/);
    expect(ended).toContain('A record of shop.example should become 203.0.113.10');
    expect(ended).not.toContain('Compared:');
    expect(lastLines(ended, 3)).toEqual([
      'Way back: osc-secnum-fr1 follows, 2.4 kB and 30 ms behind. osc-fr1 keeps 24.0 MB for it; its disk has 80.0 GB free',
      `Next: ${on} migration-run --finalize ${id}`,
      `To leave it where it is, for good: ${on} migration-complete ${id}`,
    ]);
    expect(server.world.calls).toContainEqual({
      name: 'apps.metrics',
      input: { app: 'shop-2', region: 'osc-secnum-fr1' },
    });
  });

  test('a store that nothing follows is named before the question', async () => {
    const migration = wentThrough(1);
    migration.report.stores = migration.report.stores.map((store, i) =>
      i ? store : { ...store, carrier: 'provision' },
    );
    const said = await user.runs(`--app shop migration-rollback ${migration.id}`);
    expect(said.stdout).toContain('db (carrier provision) is NOT followed: osc-fr1 has its own, as it was.');
  });

  test('one that failed before its switch does not blame an earlier one that backed out', async () => {
    const migration = wentThrough(1);
    backOut('rollback', 'done')(migration);
    server.world.endings.rollback = fail('rollback', 'not ready');
    const said = await user.runs(`--app shop migration-rollback ${migration.id} --yes`);
    expect(said.stdout).toContain('failed: not ready');
    expect(said.stdout).not.toContain('backed out');
  });

  test('one that backed out is a failure: the new side serves, and it can be tried again', async () => {
    const { id } = wentThrough(1);
    server.world.endings.rollback = backOut('rollback', 'done');
    const said = await user.runs(`--app shop migration-rollback ${id} --yes`);
    expect(said.exit).toBe(1);
    expect(said.stdout).toContain(
      'The rollback backed out: the budget of 10 s was exceeded. osc-secnum-fr1 serves; nothing was lost.',
    );
    expect(said.stdout).not.toContain('is served by');
    expect(said.stdout).toContain(`Next: ${on} migration-rollback ${id}`);
    expect((await user.runs(`--app shop migration-follow ${id}`)).exit).toBe(1);
  });

  test('one that failed goes on with the same command; an abort is not offered', async () => {
    const { id } = wentThrough(1);
    server.world.endings.rollback = fail('rollback', 'osc-fr1 is away');
    const said = await user.runs(`--app shop migration-rollback ${id} --yes`);
    expect(said.exit).toBe(1);
    expect(said.stdout).toContain('failed: osc-fr1 is away');
    expect(lastLines(said.stdout, 1)).toEqual([`Next: ${on} migration-rollback ${id}`]);
  });

  test('nobody is asked where it cannot be', async () => {
    const none = await user.runs(`--app shop migration-rollback ${without().id}`, { typed: 'y\n' });
    expect(none.exit).toBe(1);
    expect(none.stderr).toContain('There is no way back: the switch was wanted without one.');
    const { id } = server.world.addMigration({ status: 'prepared' });
    const early = await user.runs(`--app shop migration-rollback ${id}`, { typed: 'y\n' });
    expect(early.stderr).toContain(`what was done is taken back with \`${on} migration-abort ${id}\``);
    const late = await user.runs(`--app shop migration-abort ${wentThrough(1).id}`, { typed: 'y\n' });
    expect(late.stderr).toContain('Switch the other way instead');
    expect(none.stdout + early.stdout + late.stdout).not.toContain('[y/N]');
    expect(asked()).toEqual([]);
  });

  test('a no is told how to take it up again; without anybody to ask nothing is started', async () => {
    const { id } = wentThrough(1);
    const no = await user.runs(`--app shop migration-rollback ${id}`, { typed: 'n\n' });
    expect(no.exit).toBe(3);
    expect(no.stdout).toContain(`migration-rollback ${id}`);
    expect(no.stdout).not.toContain('To take everything back');
    const pipe = await user.runs(`--app shop migration-rollback ${id} --json`);
    expect(JSON.parse(pipe.stdout)).toMatchObject({ code: 'not_confirmed', fields: { what: 'The rollback' } });
    expect(asked()).toEqual([]);
  });

  test('--json prints the migration alone', async () => {
    const said = await user.runs(`--app shop migration-rollback ${wentThrough(1).id} --yes --json`);
    expect(JSON.parse(said.stdout)).toMatchObject({ status: 'rolled-back', report: { wayBack: { open: true } } });
    expect(said.stderr).toContain('Status: rolled-back');
  });

  test('switching there again says what comes along, and can be taken back again', async () => {
    const { id } = wentThrough(2);
    const said = await user.runs(`--app shop migration-run --finalize ${id} --yes`);
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain('What was written in osc-fr1 since the rollback comes along');
    expect(said.stdout).toContain('shop-2 is served by osc-secnum-fr1');
    expect(said.stdout).toContain(`To switch back: ${on} migration-rollback ${id}`);
  });
});

describe('migration-complete', () => {
  test('says what ends and what is freed, and ends with the app where it stays', async () => {
    const { id } = wentThrough(1);
    const said = await user.runs(`--app shop migration-complete ${id} --yes`);
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain(`The completion will
  End the way back: osc-fr1 stops following, and the switch cannot be taken back any more.
  Free what osc-secnum-fr1 keeps for it, 24.0 MB. osc-secnum-fr1 serves on.
  osc-fr1 keeps shop with its data as they are then, sealed, and forwards what still arrives.`);
    expect(lastLines(said.stdout, 1)).toEqual(['Next: storky --region osc-secnum-fr1 --app shop-2 app']);
    expect(said.stdout).not.toContain('Way back: osc-fr1 follows');
  });

  test('after a rollback the app stays in its old home', async () => {
    const { id } = wentThrough(2);
    const said = await user.runs(`--app shop migration-complete ${id} --yes`);
    expect(said.stdout).toContain('osc-secnum-fr1 keeps shop-2 with its data');
    expect(lastLines(said.stdout, 1)).toEqual(['Next: storky --region osc-fr1 --app shop app']);
  });

  test('one that failed is run again with the same command', async () => {
    const { id } = wentThrough(1);
    server.world.endings.complete = fail('complete', 'osc-fr1 is away');
    const said = await user.runs(`--app shop migration-complete ${id} --yes`);
    expect(said.exit).toBe(1);
    expect(lastLines(said.stdout, 1)).toEqual([`Next: ${on} migration-complete ${id}`]);
  });
});

describe('move', () => {
  const line = 'move shop --from osc-fr1 --to osc-secnum-fr1 --new-name shop-2 --yes';

  test('after a rollback it switches again, in the same migration', async () => {
    const { id } = wentThrough(2);
    const said = await user.runs(line);
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain(`Going on with migration ${id}, which is rolled-back.`);
    expect(asked()).toMatchObject([{ id, step: 'finalize' }]);
  });

  test('one that is done, and can go back, is done', async () => {
    const { id } = wentThrough(1);
    const said = await user.runs(line);
    expect(said.exit).toBe(0);
    expect(asked()).toEqual([]);
    expect(said.stdout).toContain(`To switch back: ${on} migration-rollback ${id}`);
  });
});
