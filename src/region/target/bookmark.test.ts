import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { bookmarkOf } from './bookmark.ts';

const migration = randomUUID();

function records(folder: string, ticket: string): MigrationRecords {
  const records = new MigrationRecords(folder);
  records.put({
    ...{ migration, stream: migration, role: 'target', app: 'shop', peerApp: 'shop', switch: null },
    peer: { region: 'west', host: 'west', port: 1, ingressPort: 2 },
    stores: { db: { carrier: 'live', wanted: true, ticket, copied: true, report: null } },
  });
  return records;
}

test('outlives the agent, belongs to one copy, and goes when the comparison has ended', () => {
  const folder = tempFolder('bookmark');
  const first = records(folder, 'a');
  bookmarkOf(first, migration, 'db').set('here', 7);
  const again = new MigrationRecords(folder);
  const kept = bookmarkOf(again, migration, 'db');
  expect(kept.get()).toMatchObject({ at: 'here', items: 7 });
  again.change(migration, 'target', (draft) => Object.assign(draft.stores.db!, { ticket: 'b' }));
  expect(kept.get()).toBeNull();
  again.change(migration, 'target', (draft) => Object.assign(draft.stores.db!, { ticket: 'a' }));
  kept.clear();
  expect(bookmarkOf(new MigrationRecords(folder), migration, 'db').get()).toBeNull();
});

test('what was found equal long ago is compared again', () => {
  const folder = tempFolder('bookmark');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  bookmarkOf(records(folder, 'a'), migration, 'db').set('here', 7);
  const kept = () => bookmarkOf(new MigrationRecords(folder), migration, 'db').get();
  expect(kept()).toMatchObject({ at: 'here' });
  vi.useRealTimers();
  expect(kept()).toBeNull();
});

test('a comparison right after another writes down its first part too', () => {
  const bookmark = bookmarkOf(records(tempFolder('bookmark'), 'a'), migration, 'db');
  bookmark.get();
  bookmark.set('here', 7);
  bookmark.clear();
  expect(bookmark.get()).toBeNull();
  bookmark.set('there', 8);
  expect(bookmark.get()).toMatchObject({ at: 'there', items: 8 });
});
