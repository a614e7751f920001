import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../../../../../test/support/temp-folder.ts';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { never, soon } from '../../conformance/rig.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { settingsOf } from '../source/sizes.ts';
import { Contained } from '../testing/contained.ts';
import { ask, type Client, connect } from '../wire/connect.ts';
import { asOwner } from './again.ts';

const guest = engine.guest!;

async function contained(name: string, args: string[] = []): Promise<Contained> {
  const server = await Contained.start(join(tempFolder('guest'), name), args);
  onTestFinished(() => server.end('SIGKILL'));
  return server;
}

/** As the app, which has the account of the container. */
async function asApp(instance: DatabaseInstance): Promise<Client> {
  const { host, port, adminUser: user, adminPassword: password } = asOwner(instance);
  const client = await connect({ host, port, user, password }, 'test');
  onTestFinished(() => client.disconnect());
  return client;
}

/** As the app, when the server has loaded what it holds. */
async function loadedAgain(instance: DatabaseInstance): Promise<Client> {
  const app = await asApp(instance);
  const answers = () =>
    ask(app, 'PING').then(
      () => true,
      () => false,
    );
  await waitFor(answers, { what: 'the loaded server' });
  return app;
}

/** A copy that runs, up to where a switch could be made. */
async function following(args: string[]) {
  const [west, east] = [await contained('west', args), await contained('east', args)];
  const [here, there] = [await west.welcomed('cache'), await east.welcomed('cache')];
  const tunnel = await Tunnel.to(here);
  onTestFinished(() => tunnel.close());
  const [source, target] = [engine.source(here), engine.target(there)];
  onTestFinished(async () => {
    await source[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });
  const app = await asApp(here);
  await ask(app, 'SET', 'before', '1');
  const migration = randomUUID();
  const { ticket } = await source.open(migration);
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.standby();
  const follow = () => target.follow(migration, ticket, tunnel, never);
  const reached = () => target.rehearse(migration, tunnel, never);
  await follow();
  return { west, east, here, there, source, target, app, migration, follow, reached };
}

async function switchOver({ source, target, migration, reached }: Awaited<ReturnType<typeof following>>) {
  await reached();
  await source.ready(migration);
  await source.fence(soon());
  const proof = source.mark(migration, 1, soon()).then((said) => said ?? null);
  await target.applied!(migration, 1, soon(), proof);
  await source.seal();
  await target.activate(1);
}

it('describing a container changes nothing, and what welcome made is gone by dismiss', async () => {
  const server = await contained('one', ['--requirepass', 's3cret']);
  const described = await guest.describe(server.order('cache'));
  expect(described).toMatchObject({
    user: 'default',
    password: 's3cret',
    version: expect.stringMatching(/^\d+\.\d+$/),
  });
  const owner = await asApp(described);
  const before = await ask(owner, 'ACL', 'LIST');
  const welcomed = await guest.welcome(described);
  expect(await guest.welcome(welcomed)).toEqual(welcomed);
  expect(await ask(owner, 'ACL', 'LIST')).not.toEqual(before);
  expect(await guest.dismiss(welcomed)).toEqual(described);
  expect(await guest.dismiss(welcomed)).toEqual(described);
  expect(await ask(owner, 'ACL', 'LIST')).toEqual(before);
  expect(readdirSync(welcomed.folder)).toEqual([]);
});

it('a container of which no word lets anybody in is refused, and so is one without the commands that a move needs', async () => {
  const locked = await contained('locked', ['--requirepass', 's3cret']);
  await expect(guest.describe(locked.order('cache', {}, []))).rejects.toMatchObject({ code: 'unsupported' });
  const poor = await contained('poor', ['--rename-command', 'REPLICAOF', '']);
  await expect(guest.describe(poor.order('cache'))).rejects.toThrow(/REPLICAOF/);
});

it('a source whose container is started anew is followed again, by the account that it had forgotten', async () => {
  const move = await following(['--appendonly', 'yes']);
  await move.west.restart('SIGKILL');
  const app = await loadedAgain(move.here);
  await ask(app, 'SET', 'after', '2');
  // Whatever the agent asks next makes it again; no restart of anything else is needed.
  await move.source.pulse!();
  await move.follow();
  await move.reached();
  const copy = await asApp(move.there);
  await waitFor(async () => (await ask(copy, 'GET', 'after')) === '2', { what: 'what was written after the restart' });
  expect(await ask(copy, 'GET', 'before')).toBe('1');
}, 60_000);

it('a side that was left is shut before it has loaded what it holds, and answers nobody who writes', async () => {
  // What takes two seconds to load, while the server answers now and then.
  const slowly = ['--key-load-delay', '10000', '--loading-process-events-interval-bytes', '1024'];
  const move = await following(['--save', '3600 1', ...slowly]);
  for (let n = 0; n < 200; n++) await ask(move.app, 'SET', `key ${n}`, 'x'.repeat(2_000));
  await switchOver(move);
  await move.west.end();
  const strays: unknown[] = [];
  let trying = true;
  const stray = (async () => {
    while (trying)
      await asApp(move.here)
        .then((client) => ask(client, 'SET', 'stray', '1'))
        .then((answer) => strays.push(answer))
        .catch(() => new Promise((resolve) => setTimeout(resolve, 1)));
  })();
  const again = guest.again!(move.here);
  await move.west.begin();
  await again;
  await new Promise((resolve) => setTimeout(resolve, 200));
  trying = false;
  await stray;
  expect(strays).toEqual([]);
  const refused = await engine.target(move.here).strays!(0);
  expect(refused.map(({ who }) => who)).toEqual(['default']);
  await expect(asApp(move.here).then((client) => ask(client, 'GET', 'before'))).rejects.toThrow(/WRONGPASS|NOAUTH/);
}, 60_000);

it('a copy refuses writers also where its container lets them write to a replica', async () => {
  const move = await following(['--replica-read-only', 'no']);
  const copy = await asApp(move.there);
  await expect(ask(copy, 'SET', 'too', 'early')).rejects.toThrow(/READONLY/);
  await switchOver(move);
  await ask(copy, 'SET', 'in', 'time');
  expect(await settingsOf(copy, ['replica-read-only'])).toEqual({ 'replica-read-only': 'no' });
}, 60_000);

it.each([
  ['nothing', ['--save', '', '--appendonly', 'no'], []],
  ['snapshots', ['--save', '3600 1', '--appendonly', 'no'], ['dump.rdb']],
  ['both', ['--save', '3600 1', '--appendonly', 'yes'], ['appendonlydir', 'dump.rdb']],
])(
  'where a container keeps %s, a move leaves no more in its volume, and its settings as they were',
  async (_, args, kept) => {
    const move = await following(args);
    const admin = await connect({ ...move.here, user: 'default', password: '' }, 'test');
    onTestFinished(() => admin.disconnect());
    await switchOver(move);
    expect(readdirSync(move.east.volume).filter((name) => !name.startsWith('temp-'))).toEqual(kept);
    const app = await asApp(move.there);
    await ask(app, 'SET', 'on the new side', '3');
    await move.target.close(move.migration);
    const fresh = await contained('fresh', args);
    const settings = ['appendonly', 'appendfsync', 'save', 'rdb-del-sync-files', 'repl-diskless-sync', 'masteruser'];
    const usual = await asApp(await fresh.welcomed('cache'));
    expect(await settingsOf(app, settings)).toEqual(await settingsOf(usual, settings));
    if (args[1] === '') return;
    // It was written down before the switch: killed right after it, it has what the other side had.
    await move.east.restart('SIGKILL');
    expect(await ask(await loadedAgain(move.there), 'GET', 'before')).toBe('1');
  },
  60_000,
);
