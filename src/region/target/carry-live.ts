import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import type { Slots } from '../../base/slots.ts';
import type { FollowTicket, SourceEndpoint, TargetStore } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Progress, StoreReport } from '../../protocol/migration.ts';
import type { Governor } from '../pressure/governor.ts';

/** What carrying one store needs, whatever its engine. */
export interface CarryOrder {
  stream: string;
  name: string;
  kind: StoreReport['kind'];
  store: TargetStore;
  fetchTicket(signal: AbortSignal): Promise<FollowTicket>;
  endpoint: SourceEndpoint;
  /** Durable: the copy has ended, from here on only following is resumed. */
  copied: { get(): boolean; set(): void };
  report(change: Partial<StoreReport>): void;
  /** The copy and the comparison, at the pace that the source bears. What follows live is never paced. */
  governor: Governor;
  /** The agent copies so many stores at once, whatever their apps; following needs no place. */
  copies: Slots;
  /** On the way back: becomes a copy without being copied, since both sides were equal at the turn. It stays sealed. */
  begin?: (() => Promise<void>) | undefined;
  /** On the way back: when this side was left, milliseconds of the epoch. */
  leftAt?: number | undefined;
}

/** Smaller than this, in time, is in sync: the freeze waits for what is left. */
const closeEnoughMs = 1_000;
const lookEveryMs = 1_000;
/** It reads a log. */
const lookForStraysEvery = 10;

/** Copy, follow, catch up, compare; then stays in sync until it is stopped. Called again, it goes on where it was. */
export async function carryLive(order: CarryOrder, signal: AbortSignal): Promise<void> {
  const ticket = await ticketOfCopy(order, signal);
  // Before the stream runs: what refuses writers takes locks that the stream's own work would meet.
  if (!order.begin) await order.store.standby();
  order.report({ stage: 'catching-up', progress: null });
  await order.store.follow(order.stream, ticket, order.endpoint, signal);
  await catchUp(order, signal);
  if (!order.begin) await compare(order, ticket, signal);
  await staySynced(order, signal);
}

/** With which the copy was made: made now, where it was not yet. */
async function ticketOfCopy(order: CarryOrder, signal: AbortSignal): Promise<FollowTicket> {
  const ticket = await order.fetchTicket(signal);
  if (order.copied.get()) return ticket;
  // On the way back next to nothing is copied, and the side that serves keeps its log for it meanwhile.
  if (order.begin) return await copy(order, ticket, signal).then(() => ticket);
  return await order.copies.take(
    async () => {
      // What it shows may have been given up while this one waited.
      const current = await order.fetchTicket(signal);
      await copy(order, current, signal);
      return current;
    },
    signal,
    () => order.report(waiting(order.copies)),
  );
}

export const waiting = ({ size }: Slots): Partial<StoreReport> => ({
  stage: 'waiting',
  detail: `for its turn: ${size} ${size === 1 ? 'is' : 'are'} copied at once`,
});

async function copy(order: CarryOrder, ticket: FollowTicket, signal: AbortSignal): Promise<void> {
  order.report({ stage: 'copying', detail: '' });
  await order.begin?.();
  // What is in a database came with the turn; of a file tree only what differs is sent.
  if (order.begin && order.kind === 'database') return order.copied.set();
  const tell = (progress: Progress) => order.report({ progress });
  const { bytes } = await order.governor.during(order.name, () =>
    order.store.copy(order.stream, ticket, order.endpoint, tell, signal),
  );
  order.copied.set();
  order.report({ bytesCopied: bytes });
}

async function catchUp(order: CarryOrder, signal: AbortSignal): Promise<void> {
  while ((await look(order)).ms > closeEnoughMs) await sleep(200, undefined, { signal });
}

/** Compares at a known position; also what `migration-verify` asks for later. */
export async function compare(order: CarryOrder, ticket: FollowTicket, signal: AbortSignal): Promise<void> {
  order.report({ stage: 'verifying', progress: null });
  const tell = (progress: Progress) => order.report({ progress });
  const {
    items,
    differences,
    unsettled = 0,
  } = await order.governor.watching(() => order.store.verify(order.stream, ticket, order.endpoint, tell, signal));
  order.report({
    rowsCompared: order.kind === 'database' ? items : 0,
    filesCompared: order.kind === 'files' ? items : 0,
    differences: differences.length,
    detail: differences.slice(0, 5).join('; ') || ofUnsettled(unsettled),
  });
  if (differences.length > 0)
    throw new StorkyError('verification_failed', { store: order.name, detail: differences.slice(0, 5).join('; ') });
}

const ofUnsettled = (rows: number): string =>
  rows === 0 ? '' : `${rows} rows were changed each time that they were looked at, and are not compared`;

async function staySynced(order: CarryOrder, signal: AbortSignal): Promise<void> {
  order.report({ stage: 'in-sync', progress: null });
  for (let n = 0; ; n++) {
    if (n % lookForStraysEvery === 0) await lookForStrays(order);
    await sleep(lookEveryMs, undefined, { signal });
    await look(order);
  }
}

const told = new WeakMap<TargetStore, string>();

/** Invariant 6: the fence has refused them; that somebody still comes here is for a person to know. */
async function lookForStrays({ store, name, leftAt, report }: CarryOrder): Promise<void> {
  if (leftAt === undefined || !store.strays) return;
  const strays = await store.strays(leftAt).catch(() => undefined);
  if (!strays) return;
  const [newest] = strays;
  if (newest && newest.lastAt !== told.get(store))
    log.warn({ store: name, ...newest }, 'refused on the side that was left');
  if (newest) told.set(store, newest.lastAt);
  report({ strays });
}

async function look(order: CarryOrder): Promise<{ ms: number }> {
  await order.store.healthy();
  const lag = await order.store.lag();
  order.report({ lagBytes: lag.bytes, lagMs: lag.ms });
  return lag;
}
