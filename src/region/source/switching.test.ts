import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { SourceStore } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { EpochRecord } from '../../protocol/gate.ts';
import { readEpoch, recordEpoch } from '../apps/epoch-file.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { SwitchChannel } from '../switch/channel.ts';
import { answerSwitch } from '../switch/target-switch.ts';
import { ready } from './source-service.ts';
import type { SourceSide } from './source-side.ts';
import { Switching } from './switching.ts';

// Real epoch files, records and sockets. Router and database only fail when the test says so.

const migration = '00000000-0000-4000-8000-000000000001';
const away = () => {
  throw new StorkyError('router_unreachable', { detail: 'it was killed' });
};
const none = { released: 0, longestWaitMs: 0, refused: 0 };

async function source(faults: { forward?: number; seal?: boolean; unfence?: number; slow?: boolean }) {
  const folder = tempFolder('switching');
  const epochsOf = (name: string, role: EpochRecord['role']) => {
    const file = join(folder, name);
    recordEpoch(file, { epoch: 0, role, migration: null, peer: null, at: new Date(0).toISOString() });
    return { file, read: () => readEpoch(file), record: (record: EpochRecord) => recordEpoch(file, record) };
  };
  const [here, there] = [epochsOf('here.json', 'active'), epochsOf('there.json', 'passive')];
  const state = { gate: 'serve', fenced: false, readied: 0, ...faults };
  /** What the store waits for, when a test says so. */
  const [preparing, fencing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  if (!faults.slow) for (const wait of [preparing, fencing]) wait.resolve();
  const store = {
    ready: async () => {
      state.readied++;
      await preparing.promise;
    },
    fence: async () => {
      state.fenced = true;
      await fencing.promise;
    },
    mark: async () => {},
    seal: async () => {
      if (faults.seal) throw new Error('the database is away');
    },
    unfence: async () => {
      if (state.unfence && state.unfence-- > 0) throw new Error('the database is away');
      state.fenced = false;
    },
  } as unknown as SourceStore;
  const gate = {
    warm: async () => {},
    hold: async () => {
      state.gate = 'hold';
    },
    drain: async () => ({ inFlight: 0 }),
    serve: async () => {
      state.gate = 'serve';
      return none;
    },
    forward: async () => {
      if (state.forward && state.forward-- > 0) away();
      state.gate = 'forward';
      return none;
    },
  };
  const records = new MigrationRecords(folder);
  const peer = { region: 'osc-fr2', host: '127.0.0.1', port: 1, ingressPort: 2 };
  const live = { carrier: 'live' as const, wanted: true, copied: true, ticket: null, report: null };
  records.put({
    migration,
    stream: migration,
    role: 'source',
    app: 'shop',
    peerApp: 'shop',
    peer,
    stores: { db: live },
    switch: null,
  });
  const applied = async () => ({ detail: 'seen' });
  const side = {
    records,
    home: {
      record: () => ({ addons: [], files: [] }),
      gate: () => gate,
      epochs: () => here,
      passing: async () => [],
      setForward: () => {},
      reconcile: async () => {},
    },
    stores: { get: async () => store },
    link: {
      open: async () => {
        const server = createServer((socket) =>
          answerSwitch(new SwitchChannel(socket), {
            migration,
            stream: migration,
            peer: 'osc-fr1',
            epochs: there,
            prepare: async () => [{ name: 'db', store: { applied } as never }],
            activate: async () => {},
          }),
        ).listen(0, '127.0.0.1');
        await once(server, 'listening');
        const socket = connect((server.address() as { port: number }).port, '127.0.0.1').setNoDelay(true);
        onTestFinished(() => void socket.destroy());
        server.once('connection', () => server.close());
        return socket;
      },
    },
  } as unknown as SourceSide;
  const switching = new Switching(side);
  onTestFinished(() => switching.stop());
  return { switching, side, state, preparing, fencing, here, there, records };
}

test('a router that is away at the moment of the decision: the switch is made, and forwards when the router is back', async () => {
  const { switching, state, here, there, records } = await source({ forward: 2 });
  expect((await switching.switch(migration, 1, 2_000)).outcome).toBe('switched');
  expect([here.read().role, there.read().role]).toEqual(['passive', 'active']);
  await waitFor(() => state.gate === 'forward', { timeout: 10_000, every: 20, what: 'the gate to forward' });
  expect(records.get(migration, 'source').switch).toMatchObject({ stage: 'activated' });
  expect((await switching.switch(migration, 1, 2_000)).outcome, 'asked again, it answers').toBe('switched');
});

test('a database that is away when the switch backs out: no other switch begins until its fence is down', async () => {
  const { switching, state, here, records } = await source({ seal: true, unfence: 2 });
  expect((await switching.switch(migration, 1, 2_000)).outcome).toBe('backed-out');
  expect(records.get(migration, 'source').switch).toMatchObject({ stage: 'started' });
  await expect(switching.switch(migration, 1, 2_000)).rejects.toMatchObject({ code: 'not_in_sync' });
  await waitFor(() => !state.fenced, { timeout: 10_000, every: 20, what: 'the fence to be down' });
  await waitFor(() => records.get(migration, 'source').switch === null, { every: 20 });
  expect([here.read().role, state.gate]).toEqual(['active', 'serve']);
});

test('a disk that takes nothing when the target has confirmed: the agent lives, and writes it down when there is room', async () => {
  const { switching, records } = await source({});
  const { change } = records;
  let full = 2;
  records.change = (...[id, role, with_]) =>
    change.call(records, id, role, (draft) => {
      with_(draft);
      if (draft.switch?.stage === 'activated' && full-- > 0) throw new Error('ENOSPC: no space left on device');
    });
  expect((await switching.switch(migration, 1, 2_000)).outcome).toBe('switched');
  expect(records.get(migration, 'source').switch).toMatchObject({ stage: 'activated' });
});

test('while a switch is made nothing is prepared beside it; what was being prepared is over before it begins', async () => {
  const { switching, side, state, preparing, fencing, here } = await source({ slow: true });
  const order = { app: 'shop', migration };
  const prepared = ready(side, switching, order);
  await waitFor(() => state.readied === 1, { every: 5 });
  const made = switching.switch(migration, 1, 10_000);
  expect(switching.running('shop')).toBe(true);
  await expect(ready(side, switching, order)).rejects.toMatchObject({ code: 'not_in_sync' });
  await sleep(100);
  expect(state).toMatchObject({ gate: 'serve', fenced: false, readied: 1 });
  preparing.resolve();
  await prepared;
  await waitFor(() => state.fenced, { every: 5 });
  await expect(ready(side, switching, order)).rejects.toMatchObject({ code: 'not_in_sync' });
  fencing.resolve();
  expect((await made).outcome).toBe('switched');
  expect([here.read().role, state.readied, switching.running('shop')]).toEqual(['passive', 1, false]);
});
