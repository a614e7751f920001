import { afterAll, expect, test } from 'vitest';
import { engine } from '../engine.ts';
import { installed, Servers } from '../testing/servers.ts';

const servers = new Servers();
afterAll(() => servers.dispose());

test.skipIf(!installed)(
  'what no stream brings is named: foreign servers, plugins, tables of other engines; sequences of which all is in the cache too',
  async () => {
    const here = await servers.provision('here');
    const admin = await servers.client(here, 'admin');
    const source = engine.source(here);
    const sequences = async () => (await source.check()).find(({ id }) => id === 'sequences');
    expect((await source.measure()).notMoved).toEqual([]);
    expect(await sequences()).toMatchObject({ verdict: 'pass' });
    await admin.batch(
      `CREATE SERVER far FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.1', USER 'u', PASSWORD 'not to be shown', DATABASE 'd')`,
      `INSTALL SONAME 'locales'`,
      'CREATE TABLE `old one` (id INT) ENGINE = Aria',
      'CREATE SEQUENCE short MAXVALUE 500',
      'SELECT NEXTVAL(short)',
      'CREATE SEQUENCE not_begun MAXVALUE 500',
      'CREATE SEQUENCE round_about MAXVALUE 500 CYCLE',
      'CREATE SEQUENCE plenty',
    );
    const { notMoved } = await source.measure();
    expect(notMoved).toEqual([
      `the rows of ${here.database}.old one (Aria) as of one moment: its engine keeps no snapshot`,
      'the address of the foreign server far',
      'the plugin LOCALES',
    ]);
    expect(await sequences()).toMatchObject({
      verdict: 'warn',
      detail: `all that is left is in the cache: ${here.database}.short`,
    });
    await admin.batch(`UNINSTALL SONAME 'locales'`, 'DROP SERVER far', 'DROP TABLE `old one`', 'DROP SEQUENCE short');
    expect((await source.measure()).notMoved).toEqual([]);
    expect(await sequences()).toMatchObject({ verdict: 'pass' });
  },
  60_000,
);
