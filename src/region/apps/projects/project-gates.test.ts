import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../../../../test/support/temp-folder.ts';
import { AppRecord } from '../../../protocol/app-record/record.ts';
import { AppStore } from '../app-store.ts';
import { ProjectGates } from './project-gates.ts';

const container = { name: 'shop-web-1', image: { reference: 'shop', id: 'sha256:1' }, spec: {}, networks: [] };
const entry = { name: 'web', protocol: 'http', containerPort: 80, published: [] };
const service = { name: 'web', role: 'web', addon: null, entries: [entry], dependsOn: [], rests: false };
const project = {
  ...{ kind: 'compose', name: 'shop', notMoved: [], networks: [], mounts: [] },
  services: [{ ...service, containers: [container] }],
};
const at = '2026-01-02T03:04:05.000Z';

const upstream = 'upstream shop { server 10.0.0.2:80; }\n';

/** An app behind a proxy that takes its time, with its gate to come. */
async function behindSlowProxy() {
  const folder = tempFolder('gates');
  const store = new AppStore(join(folder, 'data'), 'west');
  const file = join(folder, 'shop.conf');
  writeFileSync(file, upstream);
  const slow = ['sleep', '0.3'];
  const place = { kind: 'nginx', file, test: slow, reload: slow };
  const front = { place, entry: 'web', upstreams: ['10.0.0.2:80'] };
  const active = { epoch: 0, role: 'active', migration: null, peer: null, at } as const;
  store.create(AppRecord.parse({ name: 'shop', project }), active);
  mkdirSync(store.paths.folder('shop'), { recursive: true });
  const gates = new ProjectGates(store, async () => {});
  await gates.open('shop', []);
  store.change('shop', (draft) => void Object.assign(draft, { front }));
  const router = createServer().listen(store.get('shop').gatePorts.web, '127.0.0.1');
  onTestFinished(async () => {
    await gates.release('shop');
    router.close();
  });
  return { store, gates, file };
}

it('a look at the containers while the gate is taken out does not put it in again', async () => {
  const { store, gates, file } = await behindSlowProxy();
  const earlier = store.get('shop');
  await gates.keep(earlier, []);
  expect(readFileSync(file, 'utf8')).toContain('# storky:shop');
  const closing = gates.close('shop');
  await sleep(100);
  await Promise.all([closing, gates.keep(earlier, []).catch(() => {})]);
  await gates.keep(earlier, []);
  expect(readFileSync(file, 'utf8')).toBe(upstream);
});

it('a gate that could not be put in is put in by the next look, when it can be', async () => {
  const { store, gates, file } = await behindSlowProxy();
  writeFileSync(file, '');
  await expect(gates.keep(store.get('shop'), [])).rejects.toMatchObject({ code: 'gate_not_inserted' });
  writeFileSync(file, upstream);
  await gates.keep(store.get('shop'), []);
  expect(readFileSync(file, 'utf8')).toContain('# storky:shop');
});
