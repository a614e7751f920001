import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { limitCopy } from './carrying.ts';
import { Governors } from './governors.ts';
import { emptyReport, type TargetSide } from './target-side.ts';

test('the source of what is copied now is told of another limit, once, since its buffers depend on it', async () => {
  const records = new MigrationRecords(tempFolder('carrying'));
  const migration = randomUUID();
  const store = (name: string, stage: 'copying' | 'in-sync') => ({
    ...{ carrier: 'live' as const, wanted: true, ticket: null, copied: false },
    report: { ...emptyReport({ name, kind: 'database' }, 'live'), stage },
  });
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', switch: null },
    peer: { region: 'osc-fr1', host: '127.0.0.1', port: 1, ingressPort: 2 },
    stores: { cache: store('cache', 'copying'), db: store('db', 'in-sync') },
  });
  const asked: unknown[] = [];
  const openJson = async (_peer: unknown, hello: unknown) => {
    asked.push(hello);
    throw new Error('the source is away');
  };
  const link = { openJson } as unknown as TargetSide['link'];
  const side = { records, link, governors: new Governors(link, records) } as unknown as TargetSide;
  await limitCopy(side, migration, 1_000_000, false);
  await limitCopy(side, migration, 1_000_000, false);
  expect(asked).toEqual([{ kind: 'ticket', migration, app: 'shop', store: 'cache', copyLimit: 1_000_000 }]);
  expect(records.get(migration, 'target').copyLimit).toBe(1_000_000);
});
