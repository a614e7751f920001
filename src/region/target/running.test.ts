import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { CarryJobs } from './carry-jobs.ts';
import { activate, rehearse } from './running.ts';
import { emptyReport, type TargetSide } from './target-side.ts';

const migration = '00000000-0000-4000-8000-000000000001';

it('an agent that was killed takes up following just before it is told to serve: no store is opened while it is made a copy', async () => {
  const happened: string[] = [];
  const records = new MigrationRecords(tempFolder('records'));
  const known = { carrier: 'live', wanted: true, ticket: null, copied: true } as const;
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', switch: null },
    peer: { region: 'paris', host: 'localhost', port: 1, ingressPort: 2 },
    stores: { db: { ...known, report: emptyReport({ name: 'db', kind: 'database' }, 'live') } },
  });
  const jobs = new CarryJobs();
  const becomesACopy = async () => {
    await sleep(100); // what was sent to the server is done, whoever loses interest
    happened.push('it follows');
  };
  jobs.start(`${migration}/db`, becomesACopy, { waiting: () => {}, failed: () => {} });

  const home = {
    record: () => ({ addons: [{ name: 'db' }], files: [] }),
    remotes: () => [],
    epochs: () => ({ read: () => ({ epoch: 2 }) }),
    gate: () => ({ serve: async () => happened.push('the gate serves') }),
  };
  const store = { activate: async () => happened.push('it is open') };
  const side = { records, jobs, home, stores: { get: async () => store } } as unknown as TargetSide;
  await activate(side, migration);
  expect(happened).toEqual(['it follows', 'it is open', 'the gate serves']);
  expect(records.get(migration, 'target').stores.db).toMatchObject({ wanted: false, report: { stage: 'switched' } });
});

it('nothing is rehearsed on the target of a switch that is made: the marker that it is opened by stays', async () => {
  const records = new MigrationRecords(tempFolder('records'));
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', switch: null, stores: {} },
    peer: { region: 'paris', host: 'localhost', port: 1, ingressPort: 2 },
  });
  let [underWay, role] = [true, 'passive'];
  const attempts = new Map([[() => underWay, migration]]);
  const home = {
    record: () => ({ addons: [], files: [] }),
    remotes: () => [],
    epochs: () => ({ read: () => ({ role }) }),
  };
  const side = { records, home, attempts } as unknown as TargetSide;
  const rehearsed = () => rehearse(side, { app: 'shop', migration });
  await expect(rehearsed()).rejects.toMatchObject({ code: 'not_in_sync' });
  underWay = false;
  expect(await rehearsed()).toEqual({ roundTripMs: 0 });
  role = 'active';
  await expect(rehearsed()).rejects.toMatchObject({ code: 'not_in_sync' });
});
