import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { never, Rig } from '../../conformance/rig.ts';
import { inContainers } from '../testing/like-a-container.ts';
import { installed } from '../testing/servers.ts';
import { subject } from '../testing/subject.ts';
import { adminOf, withClient } from '../wire/connect.ts';

describe.skipIf(!installed)('two containers of one image', () => {
  const engine = inContainers();
  const rig = new Rig({ ...subject, engine });
  beforeAll(async () => {
    [rig.here, rig.there] = await Promise.all([rig.provision('here'), rig.provision('there')]);
  }, 60_000);
  afterAll(() => rig.dispose());

  it('get the accounts of the app from the other, and keep those by which each looks after itself', async () => {
    const privOf = (side: typeof rig.here, user: string) =>
      withClient(adminOf(side), (client) =>
        client.value(`SELECT GROUP_CONCAT(Priv ORDER BY Host) FROM mysql.global_priv WHERE User = '${user}'`),
      );
    const own = await privOf(rig.there, 'healthcheck');
    expect(own).not.toBe(await privOf(rig.here, 'healthcheck'));
    await withClient(adminOf(rig.here), (client) => client.query(`CREATE USER other IDENTIFIED BY 'changed since'`));

    const id = randomUUID();
    rig.target = engine.target(rig.there);
    rig.source = engine.source(rig.here);
    const { ticket } = await rig.source.open(id);
    await rig.target.copy(id, ticket, await rig.way(), () => {}, never);
    expect(await privOf(rig.there, 'healthcheck')).toBe(own);
    for (const user of ['root', 'other', subject.names.user.replace("'", "\\'")])
      expect(await privOf(rig.there, user)).toBe(await privOf(rig.here, user));
  }, 60_000);
});
