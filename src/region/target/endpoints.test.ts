import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { LinkClient } from '../link/link-client.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { Endpoints } from './endpoints.ts';
import { Governors } from './governors.ts';

test('the way to a store whose name begins like that of another stays when the other is closed', async () => {
  const records = new MigrationRecords(tempFolder('endpoints'));
  const migration = randomUUID();
  const record = records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', switch: null, stores: {} },
    peer: { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 },
  });
  const link = {} as LinkClient;
  const endpoints = new Endpoints(link, records, new Governors(link, records));
  onTestFinished(() => endpoints.close(''));
  const [db, db2] = [await endpoints.get(record, 'db', 'database'), await endpoints.get(record, 'db2', 'database')];
  await endpoints.close(`${migration}/db`);
  expect(await endpoints.get(record, 'db2', 'database')).toBe(db2);
  expect(await endpoints.get(record, 'db', 'database')).not.toBe(db);
});
