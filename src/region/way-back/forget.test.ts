import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { ProjectRuntime } from '../../drivers/runtime/projects.ts';
import type { TargetStore } from '../../drivers/store.ts';
import { testRegion } from '../apps/region.test-support.ts';
import { homeOf } from '../apps-home.ts';
import type { LinkClient } from '../link/link-client.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { streamOf } from '../migrations/stream.ts';
import { OpenStores } from '../open-stores.ts';
import { Lending } from '../remote/lending.ts';
import { unlock } from '../source/source-service.ts';
import type { SourceSide } from '../source/source-side.ts';
import { CarryJobs } from '../target/carry-jobs.ts';
import { Endpoints } from '../target/endpoints.ts';
import { Governors } from '../target/governors.ts';
import type { TargetSide } from '../target/target-side.ts';
import { forget } from './forget.ts';

test('an app that was taken away with its host, or by hand, can be forgotten all the same', async () => {
  const { apps, router } = await testRegion();
  const records = new MigrationRecords(tempFolder('forget'));
  const noEngine = async () => Promise.reject(new Error('there is no engine here'));
  const home = homeOf(apps, router.client, records, {} as ProjectRuntime, noEngine);
  const link = {} as LinkClient;
  const governors = new Governors(link, records);
  const endpoints = new Endpoints(link, records, governors);
  const stores = new OpenStores<TargetStore>(noEngine);
  const side = { home, records, governors, endpoints, stores, jobs: new CarryJobs() } as unknown as TargetSide;

  const [reinstalled, emptied] = [randomUUID(), randomUUID()];
  await forget(side, { app: 'shop', migration: reinstalled });
  const of = {
    ...{ migration: emptied, stream: streamOf(emptied, 2), app: 'shop', peerApp: 'shop', switch: null },
    peer: { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 },
    stores: { db: { carrier: 'live' as const, wanted: true, ticket: null, copied: true, report: null } },
  };
  for (const role of ['source', 'target'] as const) records.put({ ...of, role });
  await forget(side, { app: 'shop', migration: emptied });
  expect(records.any('shop')).toBeUndefined();

  // The same for the side that served last.
  records.put({ ...of, role: 'source' });
  await unlock({ ...side, lending: new Lending(home, 'here') } as unknown as SourceSide, {
    app: 'shop',
    migration: emptied,
  });
  expect(records.any('shop')).toBeUndefined();
});
