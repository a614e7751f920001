import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import type { FollowTicket, VerifyResult } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Progress } from '../../protocol/migration.ts';
import { storeOf } from '../stores.ts';
import type { Moving } from './creating.ts';
import { isLive, type TargetSide } from './target-side.ts';

const patienceMs = 3_600_000;
/** A comparison goes on where it was, so a connection that breaks costs little. */
const mostCuts = 5;
const restMs = 1_000;

/** Compares one store that is followed, again, at a known position; its report tells how far it is. @throws StorkyError verification_failed */
export async function verifyAgain(side: TargetSide, wanted: Moving & { store: string }): Promise<{ items: number }> {
  const { migration, store: name } = wanted;
  const record = side.records.get(migration, 'target');
  if (!isLive(record, name))
    throw new StorkyError('unsupported', {
      what: `Verifying ${name}`,
      detail: 'it is not followed live',
      hint: 'Compare it yourself.',
    });
  // Of the carriers' jobs: whoever takes the copy away ends its comparison first.
  const key = `${record.stream}/${name}/verify`;
  try {
    const { items, differences } = await side.jobs.run(key, (signal) =>
      side.governors.of(migration).watching(() => compareInSpiteOfCuts(side, wanted, signal)),
    );
    if (differences.length === 0) return { items };
    throw new StorkyError('verification_failed', { store: name, detail: differences.slice(0, 5).join('; ') });
  } finally {
    tell(side, wanted, null);
  }
}

/** An engine's connection that breaks is none of our errors. A source that stays away is one, and for who asks to wait for. */
async function compareInSpiteOfCuts(
  side: TargetSide,
  wanted: Moving & { store: string },
  signal: AbortSignal,
): Promise<VerifyResult> {
  for (let cuts = 1; ; cuts++) {
    try {
      return await compareOnce(side, wanted, signal);
    } catch (error) {
      if (signal.aborted) throw comparisonEnded(side, wanted);
      if (error instanceof StorkyError || cuts >= mostCuts) throw error;
      log.warn({ store: wanted.store, detail: String(error) }, 'a comparison was cut short; it goes on');
      await sleep(restMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** With the migration, or with this agent, which whoever asked finds again. */
export const comparisonEnded = ({ region, records }: TargetSide, { migration, store }: Moving & { store: string }) =>
  new StorkyError('link_lost', {
    region,
    peer: records.find(migration, 'target')?.peer.region ?? 'the source',
    detail: `the comparison of ${store} was ended`,
  });

async function compareOnce(
  side: TargetSide,
  wanted: Moving & { store: string },
  signal: AbortSignal,
): Promise<VerifyResult> {
  const { app, migration, store: name } = wanted;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  signal.throwIfAborted();
  const record = side.records.get(migration, 'target');
  const { peer, peerApp, stream } = record;
  const endpoint = await side.endpoints.get(record, name, storeOf(side.home, app, name).kind);
  const ticket = await side.link.openJson<FollowTicket>(peer, { kind: 'ticket', migration, app: peerApp, store: name });
  const store = await side.stores.get(app, stream, name);
  const report = (progress: Progress) => tell(side, wanted, progress);
  return await store.verify(stream, ticket, endpoint, report, patience);
}

/** Told often, so it is not written down. */
function tell(
  { records }: TargetSide,
  { migration, store }: Moving & { store: string },
  progress: Progress | null,
): void {
  const report = records.find(migration, 'target')?.stores[store]?.report;
  if (report) report.progress = progress;
}
