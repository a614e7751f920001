import { expect, it, onTestFinished } from 'vitest';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import { tempFolder } from '../../../../../test/support/temp-folder.ts';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { engine } from '../engine.ts';

async function provider(options: Parameters<typeof ManagedRedis.start>[0]): Promise<ManagedRedis> {
  const managed = await ManagedRedis.start(options);
  onTestFinished(() => managed[Symbol.asyncDispose]());
  return managed;
}

const adopted = (managed: ManagedRedis, change = {}) =>
  engine.adopt!({
    ...{ app: 'shop', addon: 'cache', ...managed.app, folder: tempFolder('redis-external') },
    ...{ address: managed.address(), ...change },
  });

async function checked(managed: ManagedRedis) {
  await using source = engine.source(await adopted(managed));
  return Object.fromEntries((await source.check()).map((finding) => [finding.id, finding]));
}

it('every right that is missing is named, with the statement that gives it', async () => {
  const managed = await provider({ keeper: '-@all +info' });
  const missing = async () =>
    Object.values(await checked(managed)).filter(({ verdict, id }) => verdict !== 'pass' && id !== 'users-file');
  for (let round = 0; round < 10; round++) {
    const [first] = await missing();
    if (!first) break;
    expect(first.remedy, JSON.stringify(first)).toMatch(/^Run: ACL SETUSER keeper \S/);
    await managed.asProvider(...first.remedy!.slice('Run: '.length).split(' '));
    expect((await missing()).map(({ id }) => id)).not.toContain(first.id);
  }
  expect(await missing()).toEqual([]);
  expect((await checked(managed))['users-file']).toMatchObject({ verdict: 'pass' });
});

it('a provider that has taken commands away is told from an account without the right, and nothing is changed by asking', async () => {
  const settings = { 'rename-command': 'CONFIG ""' };
  const managed = await provider({ settings, keeper: '~* &* +@all -psync -client|pause' });
  const before = await managed.asProvider('ACL', 'LIST');
  const findings = await checked(managed);
  expect(findings['right-settings']).toMatchObject({
    verdict: 'warn',
    remedy: expect.stringMatching(/command CONFIG/),
  });
  expect(findings['users-file']).toMatchObject({ verdict: 'warn' });
  expect(findings['right-pause']).toMatchObject({ verdict: 'fail', remedy: expect.stringMatching(/\+client\|pause/) });
  // The account that is made for the target has it.
  expect(findings.replication).toMatchObject({ verdict: 'pass' });
  expect(await managed.asProvider('ACL', 'LIST')).toEqual(before);
  const without = await provider({ settings: { 'rename-command': 'PSYNC ""' } });
  expect((await checked(without)).replication).toMatchObject({
    verdict: 'fail',
    remedy: expect.stringMatching(/PSYNC/),
  });
});

it('replicas of the provider, which the seal would cut off, are told', async () => {
  const [managed, replica] = [await provider({}), await provider({})];
  expect((await checked(managed))['other-replicas']).toMatchObject({ verdict: 'pass' });
  const { user, password } = managed.admin;
  await replica.asProvider('CONFIG', 'SET', 'masteruser', user, 'masterauth', password);
  await replica.asProvider('REPLICAOF', '127.0.0.1', String(managed.port));
  const told = async () => (await checked(managed))['other-replicas']?.verdict === 'warn';
  await waitFor(told, { what: 'the replica' });
});

it('whoever cannot log in, or is the administrator, is refused in words that hold no password', async () => {
  const managed = await provider({});
  const wrong = async (change: object, message: RegExp) => {
    const error = await adopted(managed, change).catch((refused) => refused);
    expect(String(error.message)).toMatch(message);
    expect(JSON.stringify(error)).not.toContain(encodeURIComponent(managed.admin.password));
    expect(JSON.stringify(error)).not.toContain(managed.admin.password);
  };
  await wrong({ password: 'wrong' }, /the account shop_app cannot log in/);
  await wrong({ user: 'keeper' }, /logs in as the administrator/);
  const wrongAdmin = { user: 'keeper', password: 'wrong' };
  await wrong({ address: managed.address('', wrongAdmin) }, /the administrator cannot log in/);
  await wrong({ address: managed.address('/3') }, /moved as a whole/);
  await wrong({ address: managed.address('?cacert=/x') }, /parameter cacert is not known/);
  await wrong({ address: 'postgresql://a:b@c/d' }, /form redis:/);
  expect(await adopted(managed)).toMatchObject({ database: '0', external: { parameters: { tls: 'no' } } });
});
