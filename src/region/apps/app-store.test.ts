import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { spawnForTest } from '../../../test/support/spawned.ts';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import type { EpochRecord } from '../../protocol/gate.ts';
import { AppStore } from './app-store.ts';
import { record } from './region.test-support.ts';

const epoch = (number: number, role: EpochRecord['role']): EpochRecord => ({
  epoch: number,
  role,
  migration: null,
  peer: null,
  at: new Date().toISOString(),
});

function shop() {
  const data = tempFolder('store');
  const store = new AppStore(data, 'osc-fr1');
  store.create(record({ name: 'shop' }), epoch(0, 'active'), (draft) => {
    draft.life = 'created';
  });
  return { data, store, path: store.paths.document('shop') };
}

test('what is written is there for the next agent, and for nobody else', () => {
  const { data, store, path } = shop();
  store.change('shop', (draft) => {
    draft.record.environment = { SECRET: 'x' };
    draft.quiesced = true;
  });
  const again = new AppStore(data, 'osc-fr1');
  expect(again.names()).toEqual(['shop']);
  expect(again.get('shop')).toEqual(store.get('shop'));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a change that makes the document wrong is refused, and nothing of it stays', () => {
  const { store } = shop();
  const wrong = () =>
    store.change('shop', (draft) => {
      draft.quiesced = true;
      draft.record.environment = { 'not a name': 'x' };
    });
  expect(wrong).toThrow(/damaged|environment/);
  expect(store.get('shop').quiesced).toBe(false);
});

test('a document of a newer version is refused and left as it is', () => {
  const { data, path } = shop();
  const newer = readFileSync(path, 'utf8').replace('"version": 1', '"version": 2');
  writeFileSync(path, newer);
  const again = new AppStore(data, 'osc-fr1');
  expect(() => again.get('shop')).toThrow(expect.objectContaining({ code: 'unsupported' }));
  expect(() => again.change('shop', () => {})).toThrow(expect.objectContaining({ code: 'unsupported' }));
  expect(readFileSync(path, 'utf8')).toBe(newer);
});

test('an unknown app is an error of its own', () => {
  const { store } = shop();
  expect(() => store.get('other')).toThrow(expect.objectContaining({ code: 'unknown_app' }));
  expect(() => store.readEpoch('other')).toThrow(expect.objectContaining({ code: 'unknown_app' }));
});

test('an epoch never goes back, and within one the role never changes', () => {
  const { store } = shop();
  store.recordEpoch('shop', epoch(1, 'passive'));
  store.recordEpoch('shop', epoch(1, 'passive'));
  expect(() => store.recordEpoch('shop', epoch(1, 'active'))).toThrow(/cannot follow/);
  expect(() => store.recordEpoch('shop', epoch(0, 'active'))).toThrow(/cannot follow/);
  expect(store.readEpoch('shop')).toMatchObject({ epoch: 1, role: 'passive' });
});

test('without an epoch nobody guesses who serves', () => {
  const { store } = shop();
  writeFileSync(store.paths.epoch('shop'), '{}');
  expect(() => store.readEpoch('shop')).toThrow(/nobody knows/);
});

test('killed in the middle of changes, the document is whole and holds what was acknowledged', async () => {
  const { data, path } = shop();
  const script = `
    import { writeSync } from 'node:fs';
    import { AppStore } from ${JSON.stringify(join(import.meta.dirname, 'app-store.ts'))};
    const store = new AppStore(${JSON.stringify(data)}, 'osc-fr1');
    for (let n = 1; ; n++) {
      store.change('shop', (draft) => { draft.record.environment = { N: String(n), PAD: 'x'.repeat(8000) }; });
      writeSync(1, n + '\\n');
    }`;
  for (let round = 0; round < 4; round++) {
    const writer = spawnForTest(process.execPath, ['--input-type=module', '-e', script]);
    await writer.says(new RegExp(`\\n${5 + round * 3}\\n`));
    await writer.kill('SIGKILL');
    const acknowledged = Number(writer.stdout().trimEnd().split('\n').at(-1));
    expect(acknowledged).toBeGreaterThan(4);
    const store = new AppStore(data, 'osc-fr1');
    expect(Number(store.get('shop').record.environment.N)).toBeGreaterThanOrEqual(acknowledged);
  }
  expect(readdirSync(dirname(path)).sort()).toEqual(['app.json', 'epoch.json']);
});

test('what a creation that was cut short left does not get in the way', () => {
  const { data, store } = shop();
  const folder = store.paths.folder('other');
  writeFileSync(join(data, 'apps', 'stray'), '');
  store.create(record({ name: 'other' }), epoch(0, 'active'));
  store.delete('other');
  expect(() => statSync(folder)).toThrow(/ENOENT/);
  expect(store.names()).toEqual(['shop']);
});
