import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { dataFolder, stopServer } from '../server/server.ts';
import { installed, never, Servers } from '../testing/servers.ts';

const servers = new Servers();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;

/** With owners. */
const copyFolder = (from: string, to: string) => execFileSync('cp', ['-a', from, to]);

describe.skipIf(!installed)('a source that becomes another server', () => {
  beforeAll(async () => {
    [here, there] = [await servers.provision('here'), await servers.provision('there')];
    tunnel = await Tunnel.to(here);
    const app = await servers.client(here);
    await app.query('CREATE TABLE t (id INT PRIMARY KEY, v TEXT)');
  }, 60_000);
  afterAll(async () => {
    tunnel?.close();
    await servers.dispose();
  });

  test('a source restored from a backup, which counts on over the same numbers, is noticed, and copied over', async () => {
    const migration = randomUUID();
    const [source, target] = [engine.source(here), engine.target(there)];
    const write = async (first: number, count: number, word: string) => {
      const app = await servers.client(here);
      for (let n = 0; n < count; n++) await app.query(`INSERT INTO t VALUES (${first + n}, '${word}')`);
    };
    const follow = async () => {
      const { ticket } = await source.open(migration);
      await target.copy(migration, ticket, tunnel, () => {}, never);
      await target.standby();
      await target.follow(migration, ticket, tunnel, never);
      await target.rehearse(migration, tunnel, never);
      return ticket;
    };
    const ticket = await follow();
    // The backup is taken in the middle of the stream; what comes after it is lost with the restore.
    const backup = join(servers.folder, 'backup');
    await stopServer(here);
    copyFolder(dataFolder(here), backup);
    await engine.start(here);
    await write(1, 5, 'lost with the restore');
    await target.rehearse(migration, tunnel, never);
    await stopServer(here);
    rmSync(dataFolder(here), { recursive: true });
    copyFolder(backup, dataFolder(here));
    await engine.start(here);
    // By now the numbers in its log are beyond those that were followed.
    await write(100, 40, 'after the restore');
    await target.healthy();
    await expect(target.rehearse(migration, tunnel, never)).rejects.toMatchObject({
      code: 'not_in_sync',
      message: expect.stringContaining('restored from a backup'),
    });
    await expect(target.follow(migration, ticket, tunnel, never)).rejects.toMatchObject({ code: 'copy_interrupted' });
    expect(await source.open(migration)).toMatchObject({ fresh: true });
    const again = await follow();
    expect((await target.verify(migration, again, tunnel, () => {}, never)).differences).toEqual([]);
    const copy = await servers.client(there, 'admin');
    expect(await copy.query('SELECT v, COUNT(*) AS n FROM t GROUP BY v')).toEqual([
      { v: 'after the restore', n: '40' },
    ]);
    await target.close(migration);
    await source.close(migration);
  }, 60_000);
});
