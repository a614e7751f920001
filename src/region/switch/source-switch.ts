import { claim, claimPath, dropClaim } from '../../base/claim.ts';
import { Deadline } from '../../base/deadline.ts';
import { failpoint } from '../../base/failpoint.ts';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { ForwardTarget } from '../../protocol/gate.ts';
import type { SwitchReport } from '../../protocol/migration.ts';
import type { SwitchChannel } from './channel.ts';
import type { AppGate, Epochs, NamedSource } from './parts.ts';
import { Stopwatch } from './stopwatch.ts';

export interface SwitchOrder {
  migration: string;
  /** What the stores know it by. */
  stream: string;
  epoch: number;
  budgetMs: number;
  peer: ForwardTarget;
  gate: AppGate;
  epochs: Epochs;
  stores: NamedSource[];
  channel: SwitchChannel;
  /** Durable: from here a crash is settled by the epoch record (settle.ts). */
  started(): void;
  /** It backed out, but a store could not be unfenced: the caller goes on until it is. */
  stuck(error: unknown): void;
}

type Ready = Awaited<ReturnType<SwitchChannel['expect']>> & { t: 'ready' };

/**
 * The switch, on the side that the app leaves: hold → drain → fence → marker → applied → seal → passive → forward.
 * Until `passive` is recorded every failure, the deadline included, backs out and the source serves (invariant 4).
 * From then on only forward: the target is told until it has confirmed (invariant 5), which is `confirm`'s work.
 */
export async function performSwitch(order: SwitchOrder): Promise<SwitchReport> {
  const { applied } = await prepareTarget(order);
  await order.gate.warm(order.peer);
  dropClaim(claimPath(order.epochs.file, order.epoch));
  order.started();
  const watch = new Stopwatch();
  using deadline = new Deadline(order.budgetMs);
  try {
    const ready = await silence(order, applied, watch, deadline);
    becomePassive(order, ready);
    watch.mark('passive');
    failpoint('source.passive');
    return await open(order, watch, ready);
  } catch (error) {
    if (order.epochs.read().role === 'passive') throw error;
    return await backOut(order, watch, StorkyError.from(error));
  }
}

/** Nothing is held yet, and every store proves its path once more: some ten round trips, on a link that may be slow. */
const preparedWithinMs = 30_000;

/**
 * The target says that it would take the app, before anything is held; its stores wait for the marker from now on, and it
 * says when all have seen theirs: at once, where there are none.
 */
async function prepareTarget({ channel, epoch }: SwitchOrder): Promise<{ applied: Promise<Ready> }> {
  using patience = new Deadline(preparedWithinMs);
  const prepared = channel.expect('prepared', epoch);
  const applied = channel.expect('ready', epoch);
  channel.send({ t: 'prepare', epoch });
  await patience.race(prepared, 'the target to say that it is prepared');
  await patience.race(channel.roundTrip(), 'an answer on the switch stream');
  return { applied };
}

/** From the hold to the target's proof that everything written here is applied there. */
async function silence(
  order: SwitchOrder,
  applied: Promise<Ready>,
  watch: Stopwatch,
  deadline: Deadline,
): Promise<Ready> {
  const { gate, stores, epoch } = order;
  // The gate takes orders in their order: the second need not wait for the answer to the first.
  const held = gate.hold({ budgetMs: order.budgetMs }, epoch);
  // A little early, so that the answer says how many there are.
  const drained = gate.drain(deadline.leftMs * 0.95);
  drained.catch(() => {});
  await deadline.race(held, 'the gate to hold');
  watch.mark('held');
  failpoint('source.held');
  const { inFlight } = await deadline.race(drained, 'requests to end');
  if (inFlight > 0)
    throw new StorkyError('timeout', {
      what: `${inFlight} ${inFlight === 1 ? 'request' : 'requests'} in flight`,
      seconds: order.budgetMs / 1000,
      where: 'the app',
    });
  watch.mark('drained');
  await deadline.race(Promise.all(stores.map(({ store }) => store.fence(deadline))), 'the fence');
  watch.mark('fenced');
  // Invariant 2: the position is taken after silence. Every store at once, so that the cut is one (invariant 8).
  await deadline.race(Promise.all(stores.map((named) => mark(order, named, deadline))), 'the markers');
  watch.mark('marked');
  failpoint('source.marked');
  const answer = await deadline.race(applied, 'the target to apply the markers');
  watch.mark('applied');
  await deadline.race(Promise.all(stores.map(({ store }) => store.seal())), 'the seal');
  watch.mark('sealed');
  failpoint('source.sealed');
  return answer;
}

async function mark(
  { channel, stream, epoch }: SwitchOrder,
  { name, store }: NamedSource,
  deadline: Deadline,
): Promise<void> {
  const proof = await store.mark(stream, epoch, deadline);
  channel.send({ t: 'marked', epoch, store: name, proof: proof ?? null });
}

/** The point of no return: durable here before the target is told (invariant 1). Synchronous, so nothing comes between. */
function becomePassive({ epochs, epoch, migration, peer, budgetMs }: SwitchOrder, { stores }: Ready): void {
  const word = claim(claimPath(epochs.file, epoch), 'passive');
  if (word !== 'passive')
    throw new StorkyError('timeout', { what: 'the switch', seconds: budgetMs / 1000, where: 'both regions' });
  const turns = Object.fromEntries(Object.entries(stores).flatMap(([name, { turn }]) => (turn ? [[name, turn]] : [])));
  epochs.record({ epoch, role: 'passive', migration, peer: peer.region, at: new Date().toISOString(), turns });
}

async function open(
  { channel, gate, epoch, peer }: SwitchOrder,
  watch: Stopwatch,
  ready: Ready,
): Promise<SwitchReport> {
  try {
    channel.send({ t: 'active', epoch });
  } catch (error) {
    log.warn({ epoch, detail: StorkyError.from(error).message }, 'the target will be told on another stream');
  }
  failpoint('source.told');
  const held = await gate.forward(peer);
  watch.mark('forwarding');
  failpoint('source.forwarding');
  return {
    epoch,
    outcome: 'switched',
    reason: null,
    freezeMs: watch.timings.forwarding!,
    timings: watch.timings,
    held: held.released,
    longestWaitMs: held.longestWaitMs,
    refused: held.refused,
    stores: ready.stores,
  };
}

/** Gives everything back in the order in which the app needs it: writers first, then requests. Never throws. */
async function backOut(
  { gate, stores, channel, epoch, stuck }: SwitchOrder,
  watch: Stopwatch,
  cause: StorkyError,
): Promise<SwitchReport> {
  log.warn({ epoch, code: cause.code, detail: cause.message }, 'the switch backs out');
  const unfenced = await Promise.allSettled(stores.map(({ store }) => store.unfence()));
  const held = await gate.serve().catch(() => ({ released: 0, longestWaitMs: 0, refused: 0 }));
  watch.mark('serving');
  try {
    channel.send({ t: 'cancel', epoch });
  } catch {
    // The target forgets by itself: without `active` it never serves.
  }
  const failed = unfenced.find((result) => result.status === 'rejected');
  if (failed) stuck(failed.reason);
  return {
    epoch,
    outcome: 'backed-out',
    reason: cause.message,
    freezeMs: watch.timings.serving!,
    timings: watch.timings,
    held: held.released,
    longestWaitMs: held.longestWaitMs,
    refused: held.refused,
    stores: {},
  };
}
