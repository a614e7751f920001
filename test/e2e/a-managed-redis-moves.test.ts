import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ManagedRedis } from '../support/managed-redis.ts';
import { runStorky } from '../support/spawned.ts';
import { failureOf, Moves } from '../tally/moves.ts';
import { canRunTally } from '../tally/prepare.ts';
import { selfSigned } from './stage/self-signed.ts';
import { Stage } from './stage/stage.ts';
import { closeTheTally, openTally, visitTally } from './stage/tally.ts';

/** The app's manifest says that its Redis is there already; both secrets stand in files beside it. */
const withRedisAt = (managed: ManagedRedis, cert: string) => (manifest: string) => {
  const { user, password } = managed.app;
  const folder = join(manifest, '..');
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, cert);
  writeFileSync(join(folder, 'address'), `${managed.address(`?cacert=${authority}`)}\n`);
  writeFileSync(join(folder, 'password'), password);
  const addon = `{ name: queue, engine: redis, address: { file: address }, user: ${user}, password: { file: password } }`;
  const text = readFileSync(manifest, 'utf8').replace(/\{ name: queue,.*\}/, addon);
  writeFileSync(manifest, text.replace('environment:', `environment:\n  NODE_EXTRA_CA_CERTS: ${authority}`));
};

it.skipIf(!canRunTally())(
  'an encrypted Redis that Storky does not run moves live into one that it runs, with everything else in one cut: nothing lost, nobody sees an error',
  async () => {
    const certificate = await selfSigned('localhost');
    const keeper = '~* &* +@all -config -replicaof -debug';
    const managed = await ManagedRedis.start({ keeper, tls: certificate });
    onTestFinished(() => managed[Symbol.asyncDispose]());
    const stage = await Stage.set();
    await openTally(stage, stage.west, withRedisAt(managed, certificate.cert));
    const tallying = visitTally(stage.west);
    await tallying.reached(100);

    const moves = new Moves(stage.api);
    const { id } = await moves.create('west', 'east');
    const followed = await moves.through(id, 'prepare', 'data');
    expect(followed.status, failureOf(followed, 'data')).toBe('data-migrated');
    expect(followed.report.stores.find(({ name }) => name === 'queue')).toMatchObject({ carrier: 'live' });
    await tallying.reached(tallying.acknowledged.length + 100);
    const done = await moves.run(id, 'finalize');
    expect(done.status, failureOf(done, 'finalize')).toBe('done');
    expect(done.report.switches).toMatchObject([{ outcome: 'switched', refused: 0 }]);
    expect(done.report.wayBack).toMatchObject({
      open: false,
      reason: expect.stringContaining('Storky does not run it'),
    });
    await tallying.reached(tallying.acknowledged.length + 50);
    await closeTheTally(tallying, stage.east);
    // Closed to everybody but the administrator, and running.
    await expect(managed.client().get('total')).rejects.toThrow();
    expect(managed.running).toBe(true);
    expect(await managed.as(managed.admin, 'EXISTS', 'total')).toBe(1);
    expect(JSON.stringify(await managed.as(managed.admin, 'ACL', 'LIST'))).not.toContain('storky_r_');
  },
);

it.skipIf(!canRunTally())(
  'a Redis that Storky does not run is filled by a move: an abort gives it back, and the move brings everything',
  async () => {
    const managed = await ManagedRedis.start({ keeper: '~* &* +@all -config -replicaof -debug -psync' });
    onTestFinished(() => managed[Symbol.asyncDispose]());
    const stage = await Stage.set();
    await openTally(stage, stage.west);
    const tallying = visitTally(stage.west);
    await tallying.reached(100);
    await tallying.stop(); // with a backup they would be turned away
    const moves = new Moves(stage.api);
    const created = async () => {
      const args = [
        '--app',
        'tally',
        '--region',
        'west',
        'migration-create',
        '--to',
        'east',
        '--addon',
        'queue=env:FRESH',
      ];
      const { code, output } = await runStorky([...args, '--yes'], {
        env: { ...stage.env, FRESH: managed.address() },
      });
      expect(code, output).toBe(0);
      return /migration-run --prepare\s+(\S+)/.exec(output)![1]!;
    };
    const everything = async () => [
      ((await managed.asProvider('ACL', 'LIST')) as string[]).sort(),
      await managed.asProvider('DBSIZE'),
    ];

    const before = await everything();
    const first = await created();
    const filled = await moves.through(first, 'prepare', 'data');
    expect(filled.status, failureOf(filled, 'data')).toBe('data-migrated');
    expect(await managed.asProvider('EXISTS', 'total')).toBe(1);
    expect((await moves.run(first, 'abort')).status).toBe('aborted');
    expect(await everything()).toEqual(before);

    const done = await moves.through(await created(), 'prepare', 'data', 'finalize');
    expect(done.status, failureOf(done, 'finalize')).toBe('done');
    expect(done.report.stores.find(({ name }) => name === 'queue')).toMatchObject({ carrier: 'backup' });
    await closeTheTally(tallying, stage.east);
    const later = visitTally(stage.west);
    await later.reached(100);
    expect(await managed.asProvider('DBSIZE')).toBeGreaterThan(100);
    expect(later.servedBy).toMatchObject({ east: expect.any(Number) });
    await later.stop();
    expect(later.failures).toEqual([]);
    expect(managed.running).toBe(true);
  },
);
