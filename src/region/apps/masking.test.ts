import { expect, it } from 'vitest';
import { AppRecord } from '../../protocol/app-record/record.ts';
import { masked } from './masking.ts';

it('of a database that Storky does not run, a view shows where it is, and neither account nor password', () => {
  const addon = {
    name: 'db',
    engine: 'some',
    user: 'shop',
    password: 'secret',
    address: 'some://admin:secret@host:5432/shop?a=b',
  };
  const view = masked(AppRecord.parse({ name: 'shop', addons: [addon] }));
  expect(view.addons).toMatchObject([
    { name: 'db', address: 'some://********@host:5432/********', password: '********' },
  ]);
});
