import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { claim, claimPath } from '../../base/claim.ts';
import type { SourceStore, TargetStore } from '../../drivers/store.ts';
import type { EpochRecord } from '../../protocol/gate.ts';
import { SwitchChannel } from './channel.ts';
import { confirmActive } from './confirm.ts';
import type { AppGate, Epochs } from './parts.ts';
import { performSwitch, type SwitchOrder } from './source-switch.ts';
import { answerSwitch } from './target-switch.ts';

// The protocol between two real sockets and real epoch files. Gate and stores only record what they were told, and fail
// or stall where the test says, since the matter here is the order of events and what a failure in each place leads to.

const migration = '00000000-0000-4000-8000-000000000001';
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

type Point = 'hold' | 'drain' | 'fence' | 'mark' | 'seal' | 'applied' | 'prepare' | 'activate';
interface Fault {
  at: Point;
  how: 'throw' | 'stall' | 'cut';
}

async function sides(fault: Fault | null) {
  const folder = mkdtempSync(join(tmpdir(), 'storky-switch-'));
  const [left, right] = await socketPair();
  cleanups.push(() => {
    left.destroy();
    right.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  const events: string[] = [];
  const marker = Promise.withResolvers<void>();
  const reach = async (point: Point) => {
    events.push(point);
    if (fault?.at !== point) return;
    if (fault.how === 'throw') throw new Error(`${point} fails`);
    if (fault.how === 'cut') left.destroy();
    else await sleep(1_000);
  };
  const gate: AppGate & { state: string } = {
    state: 'serve',
    warm: async () => {},
    async hold() {
      await reach('hold');
      gate.state = 'hold';
    },
    drain: async () => {
      await reach('drain');
      return { inFlight: 0 };
    },
    serve: async () => {
      gate.state = 'serve';
      return { released: 3, longestWaitMs: 1, refused: 0 };
    },
    forward: async () => {
      gate.state = 'forward';
      return { released: 3, longestWaitMs: 1, refused: 0 };
    },
  };
  const fence = { up: false, sealed: false };
  const store = {
    fence: async () => {
      await reach('fence');
      fence.up = true;
    },
    mark: async () => {
      await reach('mark');
      expect(fence.up).toBe(true);
      marker.resolve();
    },
    seal: async () => {
      await reach('seal');
      fence.sealed = true;
    },
    unfence: async () => {
      fence.up = false;
      fence.sealed = false;
    },
  } as unknown as SourceStore;
  const open = { writable: false };
  const there = epochs(join(folder, 'target.json'), 'passive');
  const targetStore = {
    applied: async () => {
      await marker.promise;
      await reach('applied');
      return { detail: 'seen' };
    },
  } as unknown as TargetStore;
  const target = {
    migration,
    stream: migration,
    peer: 'osc-fr1',
    epochs: there,
    prepare: async () => {
      await reach('prepare');
      return [{ name: 'db', store: targetStore }];
    },
    activate: async () => {
      if (fault?.at === 'activate' && events.includes('activate')) events.push('activate');
      else await reach('activate');
      open.writable = true;
    },
  };
  answerSwitch(new SwitchChannel(right), target);
  const here = epochs(join(folder, 'source.json'), 'active');
  const order: SwitchOrder = {
    migration,
    stream: migration,
    epoch: 1,
    budgetMs: 150,
    gate,
    epochs: here,
    stores: [{ name: 'db', store }],
    channel: new SwitchChannel(left),
    started: () => events.push('started'),
    stuck: () => events.push('stuck'),
    peer: { region: 'osc-secnum-fr1', host: '127.0.0.1', port: 1, app: 'shop', epoch: 1 },
  };
  return { order, gate, fence, open, here, there, events, target };
}

function epochs(file: string, role: EpochRecord['role']): Epochs {
  writeJsonAtomic(file, { epoch: 0, role, migration: null, peer: null, at: new Date(0).toISOString() });
  return { file, read: () => readJson<EpochRecord>(file)!, record: (record) => writeJsonAtomic(file, record) };
}

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise((resolve) => server.once('listening', resolve));
  const near = connect((server.address() as { port: number }).port, '127.0.0.1').setNoDelay(true);
  const far = await accepted;
  server.close();
  return [near, far.setNoDelay(true)];
}

describe('the switch', () => {
  it('goes hold, drain, fence, marker, applied, seal, passive, and only then active', async () => {
    const { order, gate, open, here, there, events } = await sides(null);
    const report = await performSwitch(order);
    await confirmActive(1, async () => order.channel, new AbortController().signal);
    expect(events.filter((event) => event !== 'activate')).toEqual([
      'prepare',
      'started',
      'hold',
      'drain',
      'fence',
      'mark',
      'applied',
      'seal',
    ]);
    expect(report).toMatchObject({ outcome: 'switched', epoch: 1, held: 3, stores: { db: { detail: 'seen' } } });
    expect([here.read().role, there.read().role, gate.state, open.writable]).toEqual([
      'passive',
      'active',
      'forward',
      true,
    ]);
  });

  it('moves an app that has no stores, for which there is nothing to wait', async () => {
    const { order, here, there, target } = await sides(null);
    target.prepare = async () => [];
    order.stores = [];
    expect(await performSwitch(order)).toMatchObject({ outcome: 'switched', stores: {} });
    await confirmActive(1, async () => order.channel, new AbortController().signal);
    expect([here.read().role, there.read().role]).toEqual(['passive', 'active']);
  });

  it('backs out when the gate has given up while the agent was stalled', async () => {
    const { order, here, there, gate } = await sides(null);
    order.stores[0]!.store.seal = async () => void claim(claimPath(here.file, 1), 'serve');
    expect((await performSwitch(order)).outcome).toBe('backed-out');
    expect([here.read().role, there.read().role, gate.state]).toEqual(['active', 'passive', 'serve']);
  });

  it('says so when a store cannot be given back, so that it is tried until it is', async () => {
    const { order, events } = await sides({ at: 'seal', how: 'throw' });
    order.stores[0]!.store.unfence = async () => {
      throw new Error('the database is away');
    };
    expect((await performSwitch(order)).outcome).toBe('backed-out');
    expect(events).toContain('stuck');
  });

  it('can be tried again with the same epoch after it backed out', async () => {
    const { order, here, there } = await sides({ at: 'fence', how: 'throw' });
    expect((await performSwitch(order)).outcome).toBe('backed-out');
    order.stores[0]!.store.fence = async () => {};
    order.stores[0]!.store.mark = async () => {};
    const again = await sides(null);
    expect((await performSwitch({ ...again.order, gate: order.gate, epochs: here })).outcome).toBe('switched');
    expect([here.read().role, there.read().role]).toEqual(['passive', 'passive']);
  });

  it('whatever fails, stalls or is cut in any place: one writer, and never nobody for good', async () => {
    const points: Point[] = ['hold', 'drain', 'fence', 'mark', 'seal', 'applied', 'prepare', 'activate'];
    const faults = fc.record({
      at: fc.constantFrom(...points),
      how: fc.constantFrom('throw' as const, 'stall' as const, 'cut' as const),
    });
    await fc.assert(
      fc.asyncProperty(faults, async (fault) => {
        const { order, gate, fence, open, here, there, target } = await sides(fault);
        const report = await performSwitch(order).catch((error: Error) => error);
        if (here.read().role === 'passive') {
          expect(readFileSync(claimPath(here.file, 1), 'utf8')).toBe('passive');
          const reopen = async () => {
            const [near, far] = await socketPair();
            cleanups.push(
              () => near.destroy(),
              () => far.destroy(),
            );
            answerSwitch(new SwitchChannel(far), target);
            return new SwitchChannel(near);
          };
          await confirmActive(1, reopen, AbortSignal.timeout(5_000));
          expect([fence.sealed, gate.state, there.read().role, open.writable]).toEqual([
            true,
            'forward',
            'active',
            true,
          ]);
        } else {
          expect([fence.up, fence.sealed, gate.state, there.read().role, open.writable]).toEqual([
            false,
            false,
            'serve',
            'passive',
            false,
          ]);
          if (!(report instanceof Error)) expect(report.outcome).toBe('backed-out');
        }
      }),
      { numRuns: 40, seed: Number(process.env.STORKY_SEED ?? 1) },
    );
  });
});
