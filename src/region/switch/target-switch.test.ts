import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { Deadline, TargetStore } from '../../drivers/store.ts';
import type { EpochRecord } from '../../protocol/gate.ts';
import { SwitchChannel } from './channel.ts';
import { confirmActive } from './confirm.ts';
import { answerSwitch } from './target-switch.ts';

it('waits for no marker any more when the source that asked is gone', async () => {
  const [source, target] = await socketPair();
  const waiting = Promise.withResolvers<AbortSignal>();
  const applied = (_migration: string, _epoch: number, { signal }: Deadline) => {
    waiting.resolve(signal);
    return once(signal, 'abort').then(() => ({ detail: 'never' }));
  };
  const underWay = answerSwitch(new SwitchChannel(target), {
    migration: '00000000-0000-4000-8000-000000000001',
    stream: '00000000-0000-4000-8000-000000000001',
    peer: 'osc-fr1',
    epochs: {
      file: '/nowhere',
      read: () => ({ epoch: 0, role: 'passive', migration: null, peer: null, at: new Date(0).toISOString() }),
      record: () => expect.unreachable(),
    },
    prepare: async () => [{ name: 'db', store: { applied } as unknown as TargetStore }],
    activate: () => expect.unreachable(),
  });
  new SwitchChannel(source).send({ t: 'prepare', epoch: 1 });
  const signal = await waiting.promise;
  expect([signal.aborted, underWay()]).toEqual([false, true]);
  const ended = once(signal, 'abort');
  source.destroy();
  await ended;
  expect(underWay()).toBe(false);
}, 5_000);

it('becomes active once, however often it is told while it does', async () => {
  const [source, target] = await socketPair();
  const opened = Promise.withResolvers<void>();
  let record: EpochRecord = { epoch: 0, role: 'passive', migration: null, peer: null, at: new Date(0).toISOString() };
  let activations = 0;
  const underWay = answerSwitch(new SwitchChannel(target), {
    migration: '00000000-0000-4000-8000-000000000001',
    stream: '00000000-0000-4000-8000-000000000001',
    peer: 'osc-fr1',
    epochs: {
      file: '/nowhere',
      read: () => record,
      record: (next) => {
        record = next;
      },
    },
    prepare: () => expect.unreachable(),
    activate: async () => {
      activations++;
      await opened.promise;
    },
  });
  const channel = new SwitchChannel(source);
  const activated = channel.expect('activated', 1);
  for (let n = 0; n < 2; n++) channel.send({ t: 'active', epoch: 1 });
  await channel.roundTrip();
  expect(underWay(), 'it is opened by the marker').toBe(true);
  opened.resolve();
  await activated;
  expect([record.role, activations]).toEqual(['active', 1]);
});

it('an answer that comes when its asker has given up is heard by who asked again, on the same stream', async () => {
  const [source, target] = await socketPair();
  const far = new SwitchChannel(target);
  let told = 0;
  // Longer than the patience of one try, and only one answer for all of them: as a busy machine does.
  far.onRequest(({ t }) => {
    if (t === 'active' && ++told === 1) setTimeout(() => far.send({ t: 'activated', epoch: 1 }), 3_500);
  });
  const channel = new SwitchChannel(source);
  const givenUp = AbortSignal.timeout(5_500);
  await confirmActive(1, async () => channel, givenUp);
  expect([told, givenUp.aborted]).toEqual([2, false]);
}, 8_000);

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [far] = await accepted;
  server.close();
  onTestFinished(() => {
    for (const end of [near, far]) end.destroy();
  });
  return [near, far];
}
