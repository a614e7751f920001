import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { LinkClient } from '../link/link-client.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { OpenStores } from '../open-stores.ts';
import { CarryJobs } from './carry-jobs.ts';
import { remove } from './creating.ts';
import { Endpoints } from './endpoints.ts';
import { Governors } from './governors.ts';
import { Offers } from './offers.ts';
import type { TargetSide } from './target-side.ts';

test('a side that only proves the way back has no record of the migration, and still a way to the other side', () => {
  const governors = new Governors({} as LinkClient, new MigrationRecords(tempFolder('governors')));
  expect(governors.of(randomUUID()).pace('db').spend(1_000_000)).toBeUndefined();
});

test('a migration that is taken away under a comparison ends neither the comparison nor the agent', async () => {
  const records = new MigrationRecords(tempFolder('governors'));
  const migration = randomUUID();
  const peer = { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 };
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', peer },
    ...{ stores: {}, switch: null },
  });
  let asked = 0;
  const link = {
    openJson: async () => {
      asked++;
      const none = { count: 0, p99Ms: 0 };
      return { requests: { window: none, whole: none }, pulses: { db: 1 } };
    },
  } as unknown as LinkClient;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const governor = new Governors(link, records).of(migration);
  const compared = governor.watching(async () => {
    records.delete(migration, 'target');
    // Longer than it is between two looks.
    await sleep(1_500);
    return 'compared';
  });
  expect(await compared).toBe('compared');
  expect([asked, unhandled]).toEqual([1, []]);
});

test('that the user insists on a limit is kept over a restart, and by the step that sets the same one again', () => {
  const folder = tempFolder('governors');
  const records = new MigrationRecords(folder);
  const migration = randomUUID();
  const peer = { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 };
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', peer },
    ...{ stores: {}, switch: null },
  });
  const governors = new Governors({} as LinkClient, records);
  governors.setLimit(migration, 3e6, true);
  governors.setLimit(migration, 3e6, false);
  const after = new Governors({} as LinkClient, new MigrationRecords(folder));
  expect([governors, after].map((of) => of.of(migration).insists)).toEqual([true, true]);
  governors.setLimit(migration, null, false);
  expect(governors.of(migration).insists).toBe(false);
});

test('what a migration was told of its pace ends with it, and is not there when the same one begins anew', async () => {
  const records = new MigrationRecords(tempFolder('governors'));
  const migration = randomUUID();
  const begin = () =>
    records.put({
      ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', stores: {}, switch: null },
      peer: { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 },
    });
  begin();
  const link = {} as LinkClient;
  const governors = new Governors(link, records);
  governors.setLimit(migration, 3e6, true);
  const side = {
    ...{
      region: 'here',
      records,
      governors,
      jobs: new CarryJobs(),
      endpoints: new Endpoints(link, records, governors),
    },
    ...{ offers: new Offers(tempFolder('governors-offers')), stores: new OpenStores(async () => Promise.reject()) },
    home: { exists: () => false, removeCompletely: async () => {} },
  } as unknown as TargetSide;
  await remove(side, { app: 'shop', migration });
  begin();
  expect(governors.of(migration).insists).toBe(false);
});
