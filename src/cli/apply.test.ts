import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AppRecord } from '../protocol/app-record/record.ts';
import { startTestServer, type TestServer } from './testing/server.test-support.ts';
import { User } from './testing/storky.test-support.ts';

let server: TestServer;
let user: User;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  user = new User().knows(server);
});
afterEach(() => user[Symbol.dispose]());

function project(yaml: string): string {
  const folder = join(user.home, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'storky.yaml'), yaml);
  writeFileSync(join(folder, 'web.js'), 'serve()');
  return folder;
}

const applied = () =>
  (server.world.calls.findLast((call) => call.name === 'apps.apply')!.input as { record: AppRecord }).record;

test('builds, uploads, applies, and says where the app is and what comes next', async () => {
  const cwd = project(
    'name: shop\nbuildCommand: echo building; echo "// $NODE_ENV" >> web.js\nprocesses: {web: {command: node web.js}}\n',
  );
  const said = await user.runs('--region osc-fr1 apply', { cwd, env: { NODE_ENV: 'x' } });
  expect(said).toMatchObject({ exit: 0, stderr: '' });
  expect(said.stdout).toContain('building\n');
  expect(said.stdout).toContain('✔ Uploaded the build, ');
  expect(said.stdout).toContain('shop in osc-fr1: running  http://shop.osc-fr1.test');
  expect(said.stdout).toContain('Next: storky --region osc-fr1 --app shop ps');
  const { build } = applied();
  expect(build).toMatchObject({ kind: 'archive' });
  expect(server.world.builds).toContain(build?.kind === 'archive' && build.sha256);
});

test('what the region has is not sent again', async () => {
  const cwd = project('name: shop\n');
  await user.runs('--region osc-fr1 apply', { cwd });
  const said = await user.runs('--region osc-fr1 apply --json', { cwd });
  expect(said.stderr).toContain('The build is already in osc-fr1');
  expect(JSON.parse(said.stdout)).toMatchObject({ name: 'shop', url: 'http://shop.osc-fr1.test' });
});

test('a build command that fails: its output, and nothing is applied', async () => {
  const cwd = project('name: broken\nbuildCommand: echo no such module >&2; exit 3\n');
  const said = await user.runs('--region osc-fr1 apply', { cwd });
  expect(said.exit).toBe(1);
  expect(said.stdout).toContain('no such module');
  expect(said.stderr).toContain('failed: sh ended with 3');
  expect(applied().name).not.toBe('broken');
});

test('an unknown region and a locked app are told before anything is built', async () => {
  const cwd = project('name: locked\nbuildCommand: touch built\n');
  const unknown = await user.runs('--region nowhere apply', { cwd });
  expect(unknown.stderr).toContain('There is no region named nowhere.');
  server.world.addApp({ name: 'locked' }).lockedBy = 'some-migration';
  const locked = await user.runs('--region osc-fr1 apply', { cwd });
  expect(locked.stderr).toContain('locked is being migrated (some-migration); its settings are read-only.');
  expect(existsSync(join(cwd, 'built'))).toBe(false);
});

test('a manifest with a mistake: file and line, and JSON with both as fields', async () => {
  const cwd = project('name: shop\nprocesses:\n  web:\n    comand: x\n');
  const said = await user.runs('--region osc-fr1 apply', { cwd });
  expect(said.exit).toBe(1);
  expect(said.stderr).toContain('storky.yaml:4: processes.web.comand: there is no such key; did you mean command?');
  const json = await user.runs('--region osc-fr1 apply --json', { cwd });
  expect(JSON.parse(json.stdout)).toMatchObject({ code: 'bad_manifest', fields: { file: 'storky.yaml', line: 3 } });
});

test('a source in git is cloned at its branch', async () => {
  const repository = join(user.home, 'repository');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: repository,
      stdio: 'ignore',
    });
  mkdirSync(repository);
  writeFileSync(join(repository, 'from-git.js'), '');
  git('init', '--initial-branch', 'live');
  git('add', '.');
  git('commit', '--message', 'first');
  const source = `source: {type: git, repository: "file://${repository}", branch: live}`;
  const cwd = project(`name: cloned\n${source}\nbuildCommand: test -f from-git.js && test ! -f web.js\n`);
  expect(await user.runs('--region osc-fr1 apply', { cwd })).toMatchObject({ exit: 0 });
  const missing = await user.runs('--region osc-fr1 apply -f other.yaml', { cwd });
  expect(missing.stderr).toContain('other.yaml:1: there is no such file');
});

test('an engine, version or plan that the region has not is told before the build: line, word, and what is possible', async () => {
  const engines = [
    { engine: 'sturdy', versions: ['15', '16'], plans: ['sandbox', 'starter-512'] },
    { engine: 'absent', versions: [], plans: ['sandbox'] },
  ];
  const region = server.world.regions[0]!;
  region.info = { address: region.address, engines, runtimes: [], arch: '', platform: '', version: '' } as never;
  Object.assign(region.info!, { protocol: 1, cpus: 1, memoryBytes: 0, freeMemoryBytes: 0, diskFreeBytes: 0 });
  Object.assign(region.info!, { publicHttpPort: 80, publicHttpsPort: null });
  const addons = [
    '{ name: a, engine: stury }',
    '{ name: b, engine: absent }',
    '{ name: c, engine: other }',
    '{ name: d, engine: sturdy, version: "9" }',
    '{ name: e, engine: sturdy, plan: huge }',
    '{ name: f, engine: sturdy }',
  ];
  const cwd = project(
    `name: shop-3\nbuildCommand: touch built\naddons:\n${addons.map((one) => `  - ${one}\n`).join('')}`,
  );
  const said = await user.runs('--region osc-fr1 apply', { cwd });
  expect(said.exit).toBe(1);
  expect(said.stderr.split('\n').slice(0, 5)).toEqual([
    '✘ storky.yaml:4: addons[0].engine: there is no engine stury; did you mean sturdy?; osc-fr1 has sturdy',
    'storky.yaml:5: addons[1].engine: absent is not installed; osc-fr1 has sturdy',
    'storky.yaml:6: addons[2].engine: there is no engine other; osc-fr1 has sturdy',
    'storky.yaml:7: addons[3].version: osc-fr1 has no sturdy 9; it has 15, 16',
    'storky.yaml:8: addons[4].plan: sturdy has no plan huge; there is sandbox, starter-512',
  ]);
  expect(existsSync(join(cwd, 'built'))).toBe(false);
  expect((await user.runs('regions')).stdout).toMatch(/osc-fr1 .* sturdy 15, 16 +0 B disk/);
  region.info = null;
});
