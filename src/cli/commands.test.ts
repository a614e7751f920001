import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from './registry.ts';
import { startTestServer, type TestServer } from './testing/server.test-support.ts';
import { User } from './testing/storky.test-support.ts';

let server: TestServer;
let user: User;
beforeAll(async () => {
  server = await startTestServer();
  user = new User().knows(server);
  server.world.addApp({
    name: 'shop',
    processes: { web: { command: 'node web.js' }, daily: { command: 'node daily.js', schedule: '0 4 * * *' } },
    environment: { B: '2', A: '1' },
    addons: [{ name: 'db', engine: 'postgres' }],
  });
});
afterAll(async () => {
  user[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

test('every file in commands/ is a command of that name in the registry, once', () => {
  const files = readdirSync(new URL('./commands', import.meta.url)).map((file) => basename(file, '.ts'));
  expect(commands.map((command) => command.name).toSorted()).toEqual(files.toSorted());
});

describe('help', () => {
  test('storky alone is an overview of a move and all commands', async () => {
    expect((await user.runs('')).stdout).toMatchSnapshot();
  });

  test('storky --help', async () => {
    expect(await user.runs('--help')).toMatchSnapshot();
  });

  test.each(commands.map((command) => command.name))('storky %s --help', async (name) => {
    const said = await user.runs(`${name} --help`);
    expect(said).toMatchObject({ exit: 0, stderr: '' });
    expect(said.stdout.split('\nGlobal Options:')[0]).toMatchSnapshot();
  });

  test('--version', async () => {
    expect((await user.runs('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage exits with 2', () => {
  test.each([
    ['migration-run', "Missing required argument 'id'"],
    ['--app shop migration-create', "Required option '--to <region>' not specified"],
    ['--app shop migration-create --to Paris', '--to: 2 to 48 of a-z, 0-9 and -, not at an end'],
    ['--app shop migration-create --to paris --carrier db', '--carrier: write it as store=carrier, such as db=backup'],
    [
      '--app shop migration-create --to paris --budget soon',
      '--budget: write it as 10s, 800ms or a number of milliseconds',
    ],
    ['--app shop migration-run x', 'Give exactly one of --prepare, --data and --finalize'],
    ['--app shop migration-run --data --prepare x', 'Give exactly one of --prepare, --data and --finalize'],
    ['--app shop migration-run --data --budget 1s x', '--budget goes with --finalize'],
    ['--app shop migration-run --data --no-way-back x', '--no-way-back goes with --finalize'],
    ['--app shop migration-run --finalize --way-back x', "Unknown option '--way-back'"],
    ['--app shop migration-rollback', "Missing required argument 'id'"],
    ['migrations', '--app is missing (or set STORKY_APP)'],
    ['apply', '--region is missing (or set STORKY_REGION)'],
    ['--app shop env NOVALUE', 'write it as KEY=value'],
    ['--app shop scale web', 'write it as type:amount'],
    ['--app Shop! apps', '--app: 2 to 48 of a-z'],
    ['app --wat', "Unknown option '--wat'"],
    ['aps', 'There is no command named aps; did you mean apps?'],
    ['--server http://127.0.0.1:1 apps', 'does not begin with https://'],
  ])('%s', async (line, what) => {
    const said = await user.runs(line);
    expect(said.exit).toBe(2);
    expect(said.stdout).toBe('');
    expect(said.stderr).toContain(what);
    expect(said.stderr).toContain('Usage: storky');
    const json = await user.runs(`--json ${line}`);
    expect(json.exit).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ code: 'bad_usage' });
  });
});

describe('errors of the server keep their code, words and remedy', () => {
  test('in words', async () => {
    const said = await user.runs('--app nope app');
    expect(said).toMatchObject({ exit: 1, stdout: '' });
    expect(said.stderr).toBe(
      '✘ There is no app named nope in any region.\n→ Run `storky apps` to see the apps of every region.\n',
    );
  });

  test('as JSON', async () => {
    const said = await user.runs('--app shop migration-follow 11111111-1111-4111-8111-111111111111 --json');
    expect(said.exit).toBe(1);
    expect(JSON.parse(said.stdout)).toEqual({
      code: 'unknown_migration',
      what: 'There is no migration 11111111-1111-4111-8111-111111111111.',
      remedy: 'Run `storky --app <app> migrations` to see them.',
      fields: { id: '11111111-1111-4111-8111-111111111111' },
    });
  });
});

describe('every listing command', () => {
  test.each([
    ['apps', /shop +osc-fr1 +running +active/, [{ name: 'shop' }]],
    ['--app shop app', /Processes: web 1 × M, daily \(0 4 \* \* \*\)/, { name: 'shop', region: 'osc-fr1' }],
    ['--app shop ps', /web-1 +running +42/, [{ type: 'web', pid: 42 }]],
    ['--app shop logs', /\[web-1\] GET \/ 200/, [{ process: 'web-1' }]],
    ['--app shop env', /A +1\nB +2/, { A: '1', B: '2' }],
    ['--app shop migrations', /No migration found for this app\./, []],
    ['regions', /osc-fr1 +reachable +203\.0\.113\.10:7700/, [{ name: 'osc-fr1' }, { name: 'osc-secnum-fr1' }]],
    ['tokens', /t1 +first/, [{ id: 't1' }]],
  ])('%s', async (line, text, data) => {
    const said = await user.runs(line);
    expect(said).toMatchObject({ exit: 0, stderr: '' });
    expect(said.stdout).toMatch(text);
    expect(JSON.parse((await user.runs(`${line} --json`)).stdout)).toMatchObject(data);
  });
});

describe('commands that change an app', () => {
  test('scale, env, stop and start', async () => {
    expect((await user.runs('--app shop scale web:2:L')).stdout).toContain('✔ web: 2 × L');
    expect((await user.runs(['--app', 'shop', 'env', 'URL=a=b c', '--unset', 'B'])).stdout).toContain(
      '✔ URL set\n✔ B removed',
    );
    expect((await user.runs('--app shop env --json')).stdout).toBe('{"A":"1","URL":"a=b c"}\n');
    expect((await user.runs('--app shop stop')).stdout).toContain('shop in osc-fr1: stopped');
    expect((await user.runs('--app shop start')).stdout).toContain('shop in osc-fr1: running');
  });

  test('options come before or after the command, or from the environment', async () => {
    const forms = [await user.runs('app --app shop'), await user.runs('app', { env: { STORKY_APP: 'shop' } })];
    expect(forms.map((said) => said.exit)).toEqual([0, 0]);
  });

  test('remove says what goes, asks, and needs the region', async () => {
    server.world.addApp({ name: 'old', files: [{ name: 'uploads', path: 'uploads' }] });
    expect((await user.runs('--app old remove --yes')).exit).toBe(2);
    const no = await user.runs('--region osc-fr1 --app old remove', { typed: 'n\n' });
    expect(no.exit).toBe(3);
    expect(no.stdout).toContain('old is deleted in osc-fr1 with all data in uploads. This cannot be taken back.');
    expect((await user.runs('--region osc-fr1 --app old remove --yes')).exit).toBe(0);
    expect((await user.runs('--app old app')).exit).toBe(1);
  });

  test('regions-add prints the command for the other machine', async () => {
    const said = await user.runs('regions-add paris');
    expect(said.stdout).toContain(`storky agent --name paris --server ${server.address} --token sty_enrol_x.ab12`);
  });
});

describe('colours', () => {
  test.each([
    ['--no-color', {}],
    ['', { NO_COLOR: '1' }],
    ['', { TERM: 'dumb' }],
  ])('%s %j: none', async (flag, env) => {
    expect((await user.runs(`${flag} apps`, { typed: '', env: env as Record<string, string> })).stdout).not.toContain(
      '\x1b',
    );
  });

  test('on a terminal there are some, in a pipe none', async () => {
    expect((await user.runs('apps', { typed: '' })).stdout).toContain('\x1b[');
    expect((await user.runs('apps')).stdout).not.toContain('\x1b');
  });
});
