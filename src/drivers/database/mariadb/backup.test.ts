import { afterAll, expect, test } from 'vitest';
import { engine } from './engine.ts';
import { createHardSchema } from './testing/hard-schema.ts';
import { inventory } from './testing/inventory.ts';
import { installed, never, Servers } from './testing/servers.ts';

const servers = new Servers();
afterAll(() => servers.dispose());

/** Beside what tells the two servers apart. */
const own = (lines: string[]) => lines.filter((line) => !/^setting|storky_admin/.test(line));

test.skipIf(!installed)(
  'a backup of several databases, or of one with another character set, has everything that was there',
  async () => {
    const [here, there] = [await servers.provision('here'), await servers.provision('there')];
    const [admin, copy] = [await servers.client(here, 'admin'), await servers.client(there, 'admin')];
    for (const client of [admin, copy]) await client.query('SET GLOBAL event_scheduler = OFF');
    await using source = engine.source(here);
    await using target = engine.target(there);
    const restored = async () => {
      await target.restore(await source.backup(), () => {}, never);
      return own(await inventory(copy));
    };
    await admin.query('ALTER DATABASE `shop-db_1` CHARACTER SET latin1 COLLATE latin1_german1_ci');
    expect(await restored()).toEqual(own(await inventory(admin)));
    await createHardSchema(admin);
    expect(await restored()).toEqual(own(await inventory(admin)));
  },
  120_000,
);
