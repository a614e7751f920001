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

it('of a project of containers no environment leaves the agent', () => {
  const container = { name: 'shop-web-1', image: { reference: 'shop', id: 'sha256:1' }, networks: [] };
  const spec = { Env: ['DATABASE_URL=postgresql://shop:hunter2@db/shop'] };
  const service = { name: 'web', role: 'web', addon: null, entries: [], dependsOn: [], rests: false };
  const project = {
    ...{ kind: 'compose', name: 'shop', notMoved: [] },
    networks: [{ name: 'shop_default', spec: { Options: { key: 'hunter2' } } }],
    mounts: [
      { kind: 'volume', name: 'data', spec: { DriverOpts: { o: 'password=hunter2' } }, tree: 'data', services: [] },
    ],
    services: [{ ...service, containers: [{ ...container, spec }] }],
  };
  const view = masked(AppRecord.parse({ name: 'shop', project }));
  expect(JSON.stringify(view)).not.toContain('hunter2');
  expect(view.project?.services[0]?.containers[0]?.name).toBe('shop-web-1');
});
