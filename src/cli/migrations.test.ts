import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
  server.world.endings.preflight = server.world.endings.prepare = undefined;
  server.world.endings.data = server.world.endings.finalize = server.world.endings.abort = undefined;
  server.world.migrations.length = server.world.calls.length = 0;
  server.world.beforeRun = undefined;
  server.world.apps.length = 0;
});

const create = '--region osc-fr1 --app shop migration-create --to osc-secnum-fr1';

describe('migration-create', () => {
  test('watches the preflight and ends with the next command', async () => {
    const said = await user.runs(create);
    expect(said.stderr).toBe('');
    expect(said.exit).toBe(0);
    const [migration] = server.world.migrations;
    expect(said.stdout).toContain('✔ Preflight checks Done!');
    expect(said.stdout).toContain('→ Renew it before the move.');
    expect(said.stdout).toContain('the log drain of the database');
    expect(said.stdout).toContain('Predicted freeze: 42 ms');
    expect(said.stdout.trimEnd().split('\n').at(-1)).toBe(
      `Next: storky --region osc-fr1 --app shop migration-run --prepare ${migration!.id}`,
    );
  });

  test('a failed preflight exits with 1 and offers to create again, with every option that was given', async () => {
    server.world.endings.preflight = fail('preflight', 'the name is taken');
    const said = await user.runs(`${create} --new-name shop-2 --carrier db=backup --budget 5s`);
    expect(said.exit).toBe(1);
    expect(said.stdout).toContain('- Step Preflight checks failed: the name is taken');
    expect(said.stdout).toContain(
      'Next: storky --region osc-fr1 --app shop migration-create --to osc-secnum-fr1 --new-name shop-2 --carrier db=backup --budget 5000',
    );
  });
});

describe('migration-run', () => {
  test('the finalize ends with the numbers, DNS and the app under its new name', async () => {
    server.world.addApp({ name: 'shop' });
    server.world.addApp({ name: 'shop-2', domains: [{ name: 'shop.example' }] }, 'osc-secnum-fr1');
    const { id } = server.world.addMigration({ status: 'data-migrated', dstAppName: 'shop-2' });
    const said = await user.runs(`--app shop migration-run --finalize ${id} --yes`);
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain('shop-2 is served by osc-secnum-fr1: http://shop-2.osc-secnum-fr1.test');
    expect(said.stdout).toMatch(/Freeze: +42 ms \(allowed: 10 s\)/);
    expect(said.stdout).toMatch(/Held: +52 requests, the longest for 61 ms/);
    expect(said.stdout).toMatch(/Forwarded: +7 requests/);
    expect(said.stdout).toMatch(/Compared: +12,345 rows, 67 files/);
    expect(said.stdout).toContain('A record of shop.example should become 203.0.113.20');
    expect(said.stdout).toContain(`Next: storky --region osc-fr1 --app shop migration-complete ${id}`);
  });

  test('with the carrier backup it is said since when the app stands still, and at the end for how long it did', async () => {
    const stopped = server.world.addMigration({ status: 'prepared' });
    stopped.report.stoodStill = { since: new Date().toISOString(), ms: null };
    const data = await user.runs(`--app shop migration-run --data ${stopped.id} --yes`);
    expect(data.stdout).toMatch(/Stood still: since [-0-9]+ [:0-9]+, until the switch or an abort \(carrier backup\)/);
    stopped.report.stoodStill.ms = 185_000;
    const said = await user.runs(`--app shop migration-run --finalize ${stopped.id} --yes`);
    expect(said.stdout).toMatch(/Stood still: +3 min 05 s \(carrier backup\)/);
    const json = await user.runs(`--app shop --json migration-follow ${stopped.id}`);
    expect(JSON.parse(json.stdout).report.stoodStill.ms).toBe(185_000);
  });

  test('a switch that backed out is a failure that can be tried again', async () => {
    const { id } = server.world.addMigration({ status: 'data-migrated' });
    server.world.endings.finalize = backOut('finalize', 'data-migrated');
    const said = await user.runs(`--app shop migration-run --finalize ${id} --yes`);
    expect(said.exit).toBe(1);
    expect(said.stdout).toContain(
      'The switch backed out: the budget of 10 s was exceeded. osc-fr1 serves; nothing was lost.',
    );
    expect(said.stdout).toContain(`Next: storky --region osc-fr1 --app shop migration-run --finalize ${id}`);
  });

  test('a failed phase is run again from the error, and its first look is not taken for the end', async () => {
    const migration = server.world.addMigration({ status: 'error', failedPhase: 'data' });
    const said = await user.runs(`--app shop migration-run --data ${migration.id} --yes`);
    expect(said.stdout).toContain('Verify db Done!');
    expect(said.exit).toBe(0);
  });
});

describe('migration-abort', () => {
  test('without anybody to ask nothing is started, and the exit code is 3', async () => {
    const { id } = server.world.addMigration({ status: 'prepared', dstAppName: 'shop-2' });
    const said = await user.runs(`--app shop migration-abort ${id}`);
    expect(said.exit).toBe(3);
    expect(said.stderr).toContain('✘ The abort was not confirmed.');
    expect(server.world.calls.at(-1)!.name).toBe('migrations.show');
  });

  test('is a success when it ends in aborted, and offers to create again under the same new name', async () => {
    const { id } = server.world.addMigration({ status: 'error', failedPhase: 'data', dstAppName: 'shop-2' });
    const said = await user.runs(`--app shop migration-abort ${id}`, { typed: 'y\n' });
    expect(said.exit).toBe(0);
    expect(said.stdout).toContain('Remove shop-2 with its copied data from osc-secnum-fr1');
    expect(said.stdout).toContain('migration-create --to osc-secnum-fr1 --new-name shop-2');
  });

  test('is a failure when it fails, and the next command is to abort again', async () => {
    const { id } = server.world.addMigration({ status: 'prepared' });
    server.world.endings.abort = fail('abort', 'the region is gone');
    const said = await user.runs(`--app shop migration-abort ${id} --yes`);
    expect(said.exit).toBe(1);
    expect(said.stdout).toContain(`Next: storky --region osc-fr1 --app shop migration-abort ${id}`);
  });
});

describe('answering', () => {
  test.each(['n\n', '\n', 'yep\n'])('%j is a no: exit code 3, how to go on, nothing run', async (typed) => {
    const { id } = server.world.addMigration({ status: 'prepared' });
    const said = await user.runs(`--app shop migration-run --data ${id}`, { typed });
    expect(said.exit).toBe(3);
    expect(said.stdout).toContain(`migration-run --data ${id}`);
    expect(said.stdout).toContain(`migration-abort ${id}`);
    expect(server.world.migrations[0]!.status).toBe('prepared');
  });
});

describe('migration-follow', () => {
  test.each([
    ['preflight-success', 0, 'migration-run --prepare ID'],
    ['preflight-error', 1, 'migration-create --to osc-secnum-fr1 --new-name shop-2'],
    ['prepared', 0, 'migration-run --data ID'],
    ['data-migrated', 0, 'migration-run --finalize ID'],
    ['done', 0, 'migration-complete ID'],
    ['aborted', 1, 'migration-create --to osc-secnum-fr1 --new-name shop-2'],
    ['error', 1, 'migration-run --data ID'],
    ['rolled-back', 0, 'migration-run --finalize ID'],
    ['completed', 0, 'storky --region osc-secnum-fr1 --app shop-2 app'],
  ] as const)('ends on %s with exit code %i', async (status, exit, next) => {
    const failedPhase = status === 'error' ? ('data' as const) : null;
    const switches = { done: 1, 'rolled-back': 2, completed: 1 }[status as string] ?? 0;
    const { id } = server.world.addMigration(switched(switches, { status, failedPhase, dstAppName: 'shop-2' }));
    const said = await user.runs(`--app shop migration-follow ${id}`);
    expect(said.stdout).toContain(`Next: `);
    expect(said.stdout).toContain(next.replace('ID', id));
    expect(said.exit).toBe(exit);
  });

  test('goes on after the connection is lost', async () => {
    server.world.pace = 400;
    const migration = server.world.addMigration({ status: 'running' });
    const played = server.world.play(migration, 'data');
    setTimeout(() => server.cut(), 300);
    const said = await user.runs(`--app shop migration-follow ${migration.id}`);
    await played;
    server.world.pace = 2;
    expect(said.stdout).toContain('Connection lost. Reconnecting (1)…');
    expect(said.stdout).toContain('Connected again.');
    expect(said.exit).toBe(0);
  });

  test('Ctrl-C leaves the server going on and says how to come back', async () => {
    const { id } = server.world.addMigration({ status: 'running' });
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 200);
    const said = await user.runs(`--app shop migration-follow ${id}`, { signal: interrupt.signal });
    expect(said.exit).toBe(130);
    expect(said.stdout).toContain(`Follow: storky --region osc-fr1 --app shop migration-follow ${id}`);
  });
});

test('an abort of what was only checked says that nothing was changed', async () => {
  const { id } = server.world.addMigration({ status: 'preflight-success' });
  const said = await user.runs(`--app shop migration-abort ${id} --yes`);
  expect(said.stdout).toContain('End the migration, which has changed nothing yet.');
  expect(said.stdout).not.toContain('Remove shop');
});

describe('plan', () => {
  test.each([
    ['a preflight that succeeds', undefined],
    ['one that fails', fail('preflight', 'no room')],
  ])('says what a move would do and leaves nothing in the list, after %s', async (_, ending) => {
    server.world.endings.preflight = ending;
    const said = await user.runs('plan shop --to osc-secnum-fr1');
    expect(said.exit).toBe(ending ? 1 : 0);
    expect(said.stdout).toContain('Next: storky move shop --from osc-fr1 --to osc-secnum-fr1');
    expect((await user.runs('--app shop migrations')).stdout).toContain('No migration found for this app.');
  });
});

describe('move', () => {
  const line = 'move shop --from osc-fr1 --to osc-secnum-fr1 --new-name shop-2';

  test('goes through all phases and asks once, before the switch', async () => {
    server.world.addApp({ name: 'shop-2' }, 'osc-secnum-fr1');
    const said = await user.runs(line, { typed: 'y\n' });
    expect(said.exit).toBe(0);
    expect(said.stdout.match(/\[y\/N\]/g)).toHaveLength(1);
    expect(
      server.world.calls
        .filter((call) => call.name === 'migrations.run')
        .map(({ input }) => (input as { step: string }).step)
        .slice(-3),
    ).toEqual(['prepare', 'data', 'finalize']);
    expect(said.stdout).toContain('migration-complete');
  });

  test('needs no region where the app is in one only, and takes up what goes on', async () => {
    const no = await user.runs('move shop --to osc-secnum-fr1', { typed: 'n\n' });
    expect(no.exit).toBe(3);
    expect(server.world.calls.find(({ name }) => name === 'migrations.create')!.input).not.toHaveProperty('from');
    const yes = await user.runs('move shop --to osc-secnum-fr1 --yes');
    expect(yes.exit).toBe(0);
    expect(server.world.migrations).toHaveLength(1);
  });

  test('says that another move goes on with the migration, which one, and follows it to its end', async () => {
    const { id } = server.world.addMigration({ status: 'data-migrated', dstAppName: 'shop-2' });
    server.world.beforeRun = (migration) => {
      migration.status = 'running';
      void server.world.play(migration, 'finalize');
    };
    const said = await user.runs(`${line} --yes`);
    expect(said).toMatchObject({ exit: 0, stderr: '' });
    expect(said.stdout).toContain(`A move of shop is running: another command goes on with migration ${id}.`);
    expect(said.stdout).toContain(`storky --region osc-fr1 --app shop migration-follow ${id}`);
    expect(said.stdout).toContain('shop-2 is served by osc-secnum-fr1');
  });

  test('a no before the switch leaves it in sync, and the same command takes it up again', async () => {
    const no = await user.runs(line, { typed: 'n\n' });
    expect(no.exit).toBe(3);
    expect(server.world.migrations[0]!.status).toBe('data-migrated');
    const yes = await user.runs(`${line} --yes`);
    expect(yes.exit).toBe(0);
    expect(yes.stdout).toContain(`Going on with migration ${server.world.migrations[0]!.id}, which is data-migrated.`);
    expect(server.world.migrations).toHaveLength(1);
  });

  test('does not begin where nobody could confirm the switch', async () => {
    const said = await user.runs(line);
    expect(said.exit).toBe(3);
    expect(server.world.migrations).toHaveLength(0);
  });

  test('--yes does not skip the preflight: a failed one ends the move', async () => {
    server.world.endings.preflight = fail('preflight', 'no room');
    const said = await user.runs(`${line} --yes`);
    expect(said.exit).toBe(1);
    expect(server.world.migrations[0]!.status).toBe('preflight-error');
  });

  test('a failed phase ends the move with the command that runs it again', async () => {
    server.world.endings.data = fail('data', 'the link is down');
    const said = await user.runs(`${line} --yes`);
    expect(said.exit).toBe(1);
    expect(said.stdout).toContain(
      `Next: storky --region osc-fr1 --app shop migration-run --data ${server.world.migrations[0]!.id}`,
    );
  });
});

describe('--json', () => {
  test('a watching command prints the final migration alone on stdout, its progress on stderr', async () => {
    const said = await user.runs(`${create} --json`);
    expect(JSON.parse(said.stdout)).toMatchObject({ status: 'preflight-success', destination: 'osc-secnum-fr1' });
    expect(said.stderr).toContain('✔ Preflight checks Done!');
  });

  test('a move prints one document, whether it succeeds or fails', async () => {
    server.world.endings.data = fail('data', 'the link is down');
    const said = await user.runs('move shop --from osc-fr1 --to osc-secnum-fr1 --yes --json');
    expect(said.exit).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({ status: 'error', failedPhase: 'data' });
  });

  test('what needs a yes ends with 3 and says so as JSON', async () => {
    const { id } = server.world.addMigration({ status: 'prepared' });
    const said = await user.runs(`--app shop migration-run --data ${id} --json`, { typed: 'y\n' });
    expect(said.exit).toBe(3);
    expect(JSON.parse(said.stdout)).toMatchObject({ code: 'not_confirmed', fields: { what: 'The data phase' } });
  });
});
