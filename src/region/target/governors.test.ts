import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { LinkClient } from '../link/link-client.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { Governors } from './governors.ts';

test('a side that only proves the way back has no record of the migration, and still a way to the other side', () => {
  const governors = new Governors({} as LinkClient, new MigrationRecords(tempFolder('governors')));
  expect(governors.of(randomUUID()).pace('db').spend(1_000_000)).toBeUndefined();
});
