import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import { storesOf } from '../stores.ts';
import { resumeCarrying } from './carrying.ts';
import { activate } from './running.ts';
import { isLive, type TargetSide } from './target-side.ts';

/** Between two tries of what was decided, milliseconds. */
const againMs = 1_000;

/**
 * At the agent's start: what was decided is finished, what was carried is carried on. An app whose database does not come
 * up keeps no other from it: it is tried on, beside them.
 */
export async function settleTarget(side: TargetSide): Promise<void> {
  for (const record of side.records.all('target').filter((known) => isActive(side, known))) {
    log.warn({ app: record.app }, 'this region was made active before this agent was killed: it serves');
    await finish(side, record).catch((error: unknown) => finishLater(side, record, error));
  }
  resumeCarrying(side);
}

function isActive({ home }: TargetSide, { app }: MigrationRecord): boolean {
  return home.exists(app) && home.epochs(app).read().role === 'active';
}

/** After a crash of this host the last of what was applied may come once more: the way to the source has to be there. */
async function finish(side: TargetSide, record: MigrationRecord): Promise<void> {
  const followed = storesOf(side.home, record.app).filter(
    ({ name, kind }) => kind === 'database' && isLive(record, name),
  );
  for (const { name, kind } of followed) await side.endpoints.get(record, name, kind);
  await activate(side, record.migration);
}

function finishLater(side: TargetSide, record: MigrationRecord, error: unknown): void {
  log.error({ app: record.app, detail: String(error) }, 'it does not serve yet; it is tried until it does');
  const tryOn = async (signal: AbortSignal) => {
    for (;;) {
      await sleep(againMs, undefined, { signal });
      const done = await finish(side, record).then(
        () => true,
        () => false,
      );
      if (done) return;
    }
  };
  side.jobs.start(`activate/${record.migration}`, tryOn, { waiting: () => {}, failed: () => {} });
}
