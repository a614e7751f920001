import { Deadline } from '../../base/deadline.ts';
import { failpoint } from '../../base/failpoint.ts';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { SwitchMessage } from '../../protocol/link.ts';
import type { SwitchChannel } from './channel.ts';
import type { Epochs, NamedTarget } from './parts.ts';

export interface TargetSide {
  migration: string;
  /** What the stores know it by. */
  stream: string;
  peer: string;
  epochs: Epochs;
  /** The stores that switch live, followed and healthy; throws when the app cannot be taken now. */
  prepare(): Promise<NamedTarget[]>;
  /** Opens stores, gate and preview to writers. Idempotent. */
  activate(epoch: number): Promise<void>;
}

interface Attempt {
  epoch: number;
  deadline: Deadline;
  /** What the source gives with each store's marker. */
  proofs: Map<string, PromiseWithResolvers<string | null>>;
}

/** Longest that the target waits for markers after `prepare`; the source's budget ends long before. */
const patienceMs = 120_000;

/**
 * The switch, on the side that the app goes to: it never decides, it proves and obeys. Answers with a look at whether an
 * attempt is under way on this channel, prepared or being opened: what it waits for must not be prepared anew.
 */
export function answerSwitch(channel: SwitchChannel, side: TargetSide): () => boolean {
  let attempt: Attempt | undefined;
  /** Epochs under way: `active` is repeated until it is answered, and one answer is enough. */
  const activating = new Set<number>();
  const forget = () => {
    attempt?.deadline.abort();
    attempt = undefined;
  };
  // Nobody is there to be told, and what is waited for would meet the next attempt.
  channel.onClosed(forget);
  channel.onRequest((message) => {
    if (message.t === 'prepare') {
      forget();
      attempt = { epoch: message.epoch, deadline: new Deadline(patienceMs), proofs: new Map() };
      void prepareAndWait(channel, side, attempt);
    } else if (message.t === 'marked') {
      if (attempt?.epoch === message.epoch) attempt.proofs.get(message.store)?.resolve(message.proof);
    } else if (message.t === 'active') {
      forget();
      if (activating.has(message.epoch)) return;
      activating.add(message.epoch);
      void becomeActive(channel, side, message.epoch).finally(() => activating.delete(message.epoch));
    } else if (message.t === 'cancel') {
      forget();
    }
  });
  return () => attempt?.deadline.signal.aborted === false || activating.size > 0;
}

async function prepareAndWait(
  channel: SwitchChannel,
  side: TargetSide,
  { epoch, deadline, proofs }: Attempt,
): Promise<void> {
  try {
    const current = side.epochs.read();
    if (current.role === 'active')
      throw new StorkyError('wrong_phase', {
        phase: 'finalize',
        status: 'active in both regions',
        hint: 'An operator has to look.',
      });
    const stores = await side.prepare();
    const started = performance.now();
    const applied = stores.map(async ({ name, store }) => {
      const proof = Promise.withResolvers<string | null>();
      proofs.set(name, proof);
      const { detail, turn } = await store.applied(side.stream, epoch, deadline, proof.promise);
      return [name, { markMs: performance.now() - started, detail, turn }] as const;
    });
    // Waiting starts before the source holds anything: the marker's arrival is pushed to it.
    const all = Promise.all(applied);
    all.catch(() => {});
    channel.send({ t: 'prepared', epoch });
    failpoint('target.prepared');
    const proofsOfAll = Object.fromEntries(await all);
    failpoint('target.applied');
    channel.send({ t: 'ready', epoch, stores: proofsOfAll });
  } catch (error) {
    // A cancelled attempt is not refused: the same epoch may be tried again, and a late refusal would hit that attempt.
    if (!deadline.signal.aborted) refuse(channel, epoch, error);
  }
}

/** Invariant 1: the source has recorded passive(epoch) before it says this. Recorded here before the first request is served. */
async function becomeActive(channel: SwitchChannel, side: TargetSide, epoch: number): Promise<void> {
  try {
    const current = side.epochs.read();
    if (epoch < current.epoch) return;
    side.epochs.record({
      epoch,
      role: 'active',
      migration: side.migration,
      peer: side.peer,
      at: new Date().toISOString(),
    });
    failpoint('target.active');
    await side.activate(epoch);
    failpoint('target.open');
    channel.send({ t: 'activated', epoch });
  } catch (error) {
    refuse(channel, epoch, error);
  }
}

function refuse(channel: SwitchChannel, epoch: number, error: unknown): void {
  const { code, message } = StorkyError.from(error);
  log.warn({ epoch, code, detail: message }, 'the switch is refused');
  const refusal: SwitchMessage = { t: 'refused', epoch, code, detail: message };
  if (channel.open) channel.send(refusal);
}
