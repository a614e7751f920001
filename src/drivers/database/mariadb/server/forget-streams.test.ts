import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Tunnel } from '../../conformance/tunnel.ts';
import { engine } from '../engine.ts';
import { installed, never, Servers } from '../testing/servers.ts';
import { dataFolder, stopServer } from './server.ts';

const servers = new Servers();
let tunnel: Tunnel | undefined;
afterAll(async () => {
  tunnel?.close();
  await servers.dispose();
});

test.skipIf(!installed)(
  'a copy whose stream was half written down when it was killed starts, and goes on where it was',
  async () => {
    const [here, there] = [await servers.provision('here'), await servers.provision('there')];
    tunnel = await Tunnel.to(here);
    const [source, target, migration] = [engine.source(here), engine.target(there), randomUUID()];
    const app = await servers.client(here);
    await app.query('CREATE TABLE t (id INT PRIMARY KEY)');
    const { ticket } = await source.open(migration);
    await target.copy(migration, ticket, tunnel, () => {}, never);
    await target.standby();
    await target.follow(migration, ticket, tunnel, never);
    await app.query('INSERT INTO t VALUES (1)');
    await target.rehearse(migration, tunnel, never);
    await stopServer(there, 'kill');
    const data = dataFolder(there);
    for (const name of readdirSync(data).filter((entry) => /^relay-storky\.\d+$/.test(entry))) rmSync(join(data, name));
    writeFileSync(join(data, 'master-storky.info'), '');
    await app.query('INSERT INTO t VALUES (2)');
    await engine.start(there);
    // Nobody asks it to follow: whoever looks after it finds the stream gone.
    await target.healthy();
    await target.rehearse(migration, tunnel, never);
    const copy = await servers.client(there);
    expect(await copy.query('SELECT id FROM t ORDER BY id')).toEqual([{ id: '1' }, { id: '2' }]);
    await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
  },
  60_000,
);
