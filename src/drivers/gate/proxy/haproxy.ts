import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../protocol/errors.ts';
import type { GateCheck, GateDriver, Standing } from '../contract.ts';
import { ask, type Server, servers } from './haproxy-socket.ts';
import { anyOf, proxyOrder } from './place.ts';

/**
 * HAProxy in front of the app, by its admin socket; no file is written and nothing reloaded. In every backend of the app
 * the gate is added as a server, and the app's own servers, which are sent into maintenance, once more each as a backup,
 * for when nobody listens at the gate.
 */
export const haproxy: GateDriver = {
  name: 'haproxy',

  async check(order): Promise<GateCheck> {
    const { place, upstreams } = proxyOrder(order, 'haproxy');
    const remedy = 'Name the path of a `stats socket` with `level admin`; HAProxy 2.6 is the oldest that will do.';
    try {
      const [backend] = backendsOf(await servers(place.socket), order.app, upstreams);
      if (!backend)
        return { possible: false, why: `no backend of HAProxy has servers of ${anyOf(upstreams)} alone`, remedy };
      // A server without an address is refused, after everything else that would be.
      const answer = await ask(place.socket, `add server ${backend.name}/${gateOf(order.app)}`);
      if (/expects <name> and <addr>/.test(answer)) return { possible: true, notes };
      return { possible: false, why: `HAProxy: ${answer.split('\n')[0]}`, remedy };
    } catch (error) {
      return {
        possible: false,
        why: `HAProxy does not answer at ${place.socket}: ${(error as Error).message}`,
        remedy,
      };
    }
  },

  async insert(order) {
    const { app, place, upstreams, router } = proxyOrder(order, 'haproxy');
    const failed = (detail: string) => new StorkyError('gate_not_inserted', { app, detail: `HAProxy: ${detail}` });
    const standing = await this.verify(order);
    if (standing === 'in') return;
    if (standing === 'partly') await this.remove(order);
    const backends = backendsOf(await servers(place.socket), app, upstreams);
    if (backends.length === 0) throw failed(`no backend has servers of ${anyOf(upstreams)} alone`);
    try {
      for (const { name, theirs } of backends) {
        const used = theirs.filter(({ isOut }) => !isOut);
        for (const server of used) await add(place.socket, `${name}/${backupOf(app, server)}`, `${server.at} backup`);
        await add(place.socket, `${name}/${gateOf(app)}`, `${router} ${watched}`);
        await must(place.socket, `enable health ${name}/${gateOf(app)}`);
        await reached(place.socket, name, gateOf(app));
        for (const server of used) await must(place.socket, `set server ${name}/${server.name} state maint`);
      }
    } catch (error) {
      await this.remove(order);
      throw failed((error as Error).message);
    }
  },

  async verify(order): Promise<Standing> {
    const { app, place, upstreams, router } = proxyOrder(order, 'haproxy');
    const all = await servers(place.socket);
    if (!all.some((server) => isOurs(app, server))) return 'out';
    const isIn = backendsOf(all, app, upstreams).every(({ theirs, ours }) => {
      const gate = ours.find(({ name }) => name === gateOf(app));
      return gate?.at === router && ours.every((one) => !one.isOut) && theirs.every(({ isOut }) => isOut);
    });
    return isIn ? 'in' : 'partly';
  },

  async remove(order) {
    const { app, place } = proxyOrder(order, 'haproxy');
    try {
      const all = await servers(place.socket);
      const ours = all.filter((server) => isOurs(app, server));
      for (const server of all.filter((one) => ours.some((other) => standsFor(app, other, one))))
        await must(place.socket, `set server ${server.backend}/${server.name} state ready`);
      for (const { backend, name } of ours) await must(place.socket, `set server ${backend}/${name} state maint`);
      await Promise.all(ours.map(({ backend, name }) => drop(place.socket, `${backend}/${name}`)));
    } catch (error) {
      // It knew of the gate while it ran, and no longer.
      if (['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      const told = { app, where: `HAProxy at ${place.socket}`, what: `the servers that begin with ${prefix(app)}` };
      throw new StorkyError('gate_not_removed', { ...told, detail: (error as Error).message });
    }
  },
};

/**
 * Gone at once when a visitor's connection is refused, and back as soon as it accepts again; but not gone because a look took
 * its time on a busy machine, since whoever is then sent to the app goes past the gate.
 */
const watched =
  'check inter 1s fastinter 200ms downinter 200ms fall 3 rise 1 observe layer4 error-limit 1 on-error mark-down';

const notes = [
  'HAProxy forgets it when it is reloaded, and is told again within 5 s; until then visitors go past the gate.',
];

/** It looks every second; a busy machine takes its time. Milliseconds. */
const reachMs = 5_000;

/** What is in flight has so long to end before it is ended, milliseconds. */
const drainMs = 5_000;

const prefix = (app: string): string => `storky.${app}.`;
const gateOf = (app: string): string => `${prefix(app)}gate`;
const backupOf = (app: string, { name }: Server): string => `${prefix(app)}for.${name}`;
const isOurs = (app: string, { name }: Server): boolean => name.startsWith(prefix(app));
const standsFor = (app: string, own: Server, other: Server): boolean =>
  own.backend === other.backend && own.name === backupOf(app, other);

interface Backend {
  name: string;
  theirs: Server[];
  ours: Server[];
}

/** Those that have the app's servers, and nobody else's. */
function backendsOf(all: Server[], app: string, upstreams: string[]): Backend[] {
  return [...Map.groupBy(all, ({ backend }) => backend)]
    .map(([name, here]) => ({
      name,
      theirs: here.filter((server) => !isOurs(app, server)),
      ours: here.filter((server) => isOurs(app, server)),
    }))
    .filter(({ theirs }) => theirs.length > 0 && theirs.every(({ at }) => upstreams.includes(at)));
}

/** Connections to it are not kept idle, since it could not be taken out with them. */
async function add(socket: string, name: string, words: string): Promise<void> {
  const answer = await ask(socket, `add server ${name} ${words} pool-max-conn 0`);
  if (!/registered/.test(answer)) throw new Error(answer);
  await must(socket, `enable server ${name}`);
}

/** In a container HAProxy would look for the gate within it, not find it, and send everybody past it. */
async function reached(socket: string, backend: string, name: string): Promise<void> {
  const isReached = async () =>
    (await servers(socket)).some((one) => one.backend === backend && one.name === name && one.accepts);
  for (const until = performance.now() + reachMs; !(await isReached()); await sleep(50))
    if (performance.now() > until) throw new Error('it does not reach the gate: is it in a container?');
}

async function drop(socket: string, name: string): Promise<void> {
  const until = performance.now() + drainMs;
  for (;;) {
    const answer = await ask(socket, `del server ${name}`);
    if (/deleted|No such server/.test(answer)) return;
    if (!/connection/.test(answer)) throw new Error(answer);
    if (performance.now() > until) await must(socket, `shutdown sessions server ${name}`);
    if (performance.now() > 2 * drainMs + until) throw new Error(answer);
    await sleep(50);
  }
}

/** For commands that say nothing when they are done. */
async function must(socket: string, command: string): Promise<void> {
  const answer = await ask(socket, command);
  if (answer) throw new Error(answer);
}
