import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { JsonLines } from '../../../base/json-lines.ts';
import type { ContainerWatch } from '../projects.ts';

/** Of a container: what changes where it is reached, or whether it may be. Every `exec`, by which health is asked for, would flood us. */
const ofContainers = [
  'create',
  'start',
  'restart',
  'die',
  'stop',
  'pause',
  'unpause',
  'rename',
  'destroy',
  'health_status',
];
const ofNetworks = ['connect', 'disconnect'];
const againMs = 1_000;

interface Event {
  Type?: string;
  Actor?: { Attributes?: { name?: string } };
}

/**
 * Docker pushes what happens to its containers: `told` gets the name, or nothing where any of them may have changed, as
 * after a time in which it was away. Connects again by itself.
 */
export function watchContainers(docker: () => Docker, told: (container?: string) => void): ContainerWatch {
  const closing = new AbortController();
  let listening = false;
  const ended = listen();
  return {
    get listening() {
      return listening;
    },
    async close() {
      closing.abort();
      await ended;
    },
  };

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      await once().catch(() => {});
      listening = false;
      await sleep(againMs, undefined, { signal: closing.signal, ref: false }).catch(() => {});
    }
  }

  async function once(): Promise<void> {
    const filters = { type: ['container' as const, 'network' as const], event: [...ofContainers, ...ofNetworks] };
    const stream = (await docker().getEvents({ filters, abortSignal: closing.signal })) as Duplex;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    stream.on('error', () => resolve()).on('close', resolve);
    const stop = () => stream.destroy();
    closing.signal.addEventListener('abort', stop);
    if (closing.signal.aborted) stop();
    listening = true;
    told();
    new JsonLines<Event, never>(stream, ({ Type: type, Actor: actor }) =>
      told(type === 'container' ? actor?.Attributes?.name : undefined),
    );
    await over;
    closing.signal.removeEventListener('abort', stop);
  }
}
