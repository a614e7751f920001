import { statSync } from 'node:fs';
import { log } from '../../base/log.ts';
import type { FollowTicket } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Carrier, StoreReport } from '../../protocol/migration.ts';
import { digestOf } from '../apps/canonical.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import { isWayBack } from '../migrations/stream.ts';
import { type StoreName, storeOf } from '../stores.ts';
import { carryBackup } from './carry-backup.ts';
import { type CarryOrder, carryLive, waiting } from './carry-live.ts';
import { sayingIfFull } from './disk-full.ts';
import { emptyReport, refuseIfActive, type TargetSide } from './target-side.ts';

const jobKey = ({ stream }: { stream: string }, store: string): string => `${stream}/${store}`;

/** What the control plane asks for: the carrier at work. A job that works with an earlier ticket is ended first. */
export async function carryStore(side: TargetSide, migration: string, store: string, carrier: Carrier): Promise<void> {
  const record = side.records.get(migration, 'target');
  if (carrier === 'live' && side.jobs.running(jobKey(record, store))) {
    const { ticket } = record.stores[store]!;
    const current = await fetchTicket(side, side.records.get(migration, 'target'), store, AbortSignal.timeout(30_000));
    if (digestOf(current) !== ticket) await stopCarrying(side, migration, store);
  }
  startCarrying(side, migration, store, carrier);
}

/** Starts the carrier's job, or goes on with it. Durable: an agent that was killed starts it again (resumeCarrying). */
export function startCarrying(
  side: TargetSide,
  migration: string,
  store: string,
  carrier: Carrier,
  ticket: string | null = null,
): void {
  const { app, stream } = side.records.get(migration, 'target');
  const key = jobKey({ stream }, store);
  if (side.jobs.running(key)) return;
  refuseIfActive(side, app);
  const record = side.records.change(migration, 'target', (draft) => {
    const known = draft.stores[store];
    const report = {
      ...emptyReport(storeOf(side.home, draft.app, store), carrier),
      ...(known?.copied ? known.report : {}),
    };
    draft.stores[store] = {
      ...known,
      carrier,
      wanted: true,
      ticket: known?.ticket ?? ticket,
      copied: known?.copied ?? false,
      report: { ...report, carrier, stage: 'waiting', detail: '' },
    };
  });
  const report = reporter(side, migration, store);
  const work = (signal: AbortSignal) =>
    carry(side, record, store, carrier, report, signal).catch(async (error: unknown) => {
      const progress = side.records.find(migration, 'target')?.stores[store]?.report?.progress ?? null;
      throw signal.aborted ? error : await sayingIfFull(error, side, progress);
    });
  side.jobs.start(key, work, {
    waiting: (error) => report({ detail: `${error.message} It goes on by itself.` }),
    failed: (error) => report({ stage: 'failed', detail: `${error.message} ${error.remedy}` }),
  });
}

/** Durable, and holds at once; the sources of what is copied now get to know it too, as far as they can be reached. */
export async function limitCopy(
  side: TargetSide,
  migration: string,
  copyLimit: number | null,
  insists: boolean,
): Promise<void> {
  const before = side.records.get(migration, 'target').copyLimit ?? null;
  side.governors.setLimit(migration, copyLimit, insists);
  if (before === copyLimit) return;
  const record = side.records.get(migration, 'target');
  for (const [store, { carrier, report }] of Object.entries(record.stores))
    if (carrier === 'live' && report?.stage === 'copying')
      await fetchTicket(side, record, store, AbortSignal.timeout(10_000)).catch((error) =>
        log.warn({ store, detail: String(error) }, 'the source does not know of the limit yet'),
      );
}

export function resumeCarrying(side: TargetSide): void {
  for (const { app, migration, stores } of side.records.all('target')) {
    if (!side.home.exists(app) || side.home.epochs(app).read().role === 'active') continue;
    for (const [name, { wanted, carrier }] of Object.entries(stores))
      if (wanted) startCarrying(side, migration, name, carrier);
  }
}

export async function stopCarrying(side: TargetSide, migration: string, store: string): Promise<void> {
  const record = side.records.find(migration, 'target');
  if (!record) return;
  await side.jobs.stop(jobKey(record, store));
  await side.endpoints.close(jobKey(record, store));
  if (!record.stores[store]) return;
  side.records.change(migration, 'target', (draft) => {
    draft.stores[store]!.wanted = false;
  });
}

async function carry(
  side: TargetSide,
  record: MigrationRecord,
  name: string,
  carrier: Carrier,
  report: CarryOrder['report'],
  signal: AbortSignal,
): Promise<void> {
  const { app, migration, stream, peer, peerApp } = record;
  const { kind } = storeOf(side.home, app, name);
  if (kind === 'database') await started(side, app, name);
  const store = await side.stores.get(app, stream, name);
  const governor = side.governors.of(migration);
  if (carrier === 'backup')
    return await side.copies.take(
      () =>
        governor.during(name, () =>
          carryBackup(
            store,
            () =>
              side.link.open(
                peer,
                { kind: 'backup', migration, app: peerApp, store: name },
                signal,
                governor.pace(name),
              ),
            report,
            signal,
          ),
        ),
      signal,
      () => report(waiting(side.copies)),
    );
  if (carrier !== 'live')
    throw new StorkyError('unsupported', {
      what: `Carrying ${name} by ${carrier}`,
      detail: 'nothing has to be carried',
      hint: 'Go on with the next phase.',
    });
  const endpoint = await side.endpoints.get(record, name, kind);
  const copied = copiedFlag(side, record, name, kind);
  const currentTicket = async (until: AbortSignal) => {
    const ticket = await fetchTicket(side, record, name, until);
    copied.isOf(digestOf(ticket));
    return ticket;
  };
  const begin = isWayBack(record) ? () => side.beginBack(record, name, endpoint, signal) : undefined;
  const leftAt = begin && statSync(side.home.epochs(app).file).mtimeMs;
  const { copies } = side;
  await carryLive(
    {
      stream,
      name,
      kind,
      store,
      endpoint,
      report,
      governor,
      copies,
      fetchTicket: currentTicket,
      copied,
      begin,
      leftAt,
    },
    signal,
  );
}

/** A server that a full disk or a crash has ended is there again for the next attempt. */
async function started({ home }: TargetSide, app: string, name: string): Promise<void> {
  const { engine, instance } = await home.database(app, name);
  await engine.start(instance);
}

/** The source's present one: a fresh one when what it had opened cannot be used any more. */
function fetchTicket({ link, records }: TargetSide, record: MigrationRecord, store: string, signal: AbortSignal) {
  const { migration, peer, peerApp } = record;
  const copyLimit = records.find(migration, 'target')?.copyLimit ?? null;
  return link.openJson<FollowTicket>(peer, { kind: 'ticket', migration, app: peerApp, store, copyLimit }, signal);
}

function copiedFlag({ records }: TargetSide, record: MigrationRecord, store: string, kind: StoreName['kind']) {
  const { migration } = record;
  const known = () => records.get(migration, 'target').stores[store]!;
  return {
    /** What was copied with another ticket has to be copied anew. */
    isOf(ticket: string): void {
      if (known().ticket === ticket) return;
      // Nothing was copied on the way back: with another ticket there would be a hole that nobody sees.
      if (isWayBack(record) && kind === 'database' && known().ticket !== null)
        throw new StorkyError('way_back_lost', { store, detail: 'what the other side kept for it is gone' });
      records.change(migration, 'target', (draft) => {
        Object.assign(draft.stores[store]!, { ticket, copied: false });
      });
    },
    get: () => known().copied,
    set: () =>
      void records.change(migration, 'target', (draft) => {
        draft.stores[store]!.copied = true;
      }),
  };
}

/** Progress is told often; it reaches the disk only when the stage changes. */
function reporter({ records }: TargetSide, migration: string, store: string): CarryOrder['report'] {
  return (change: Partial<StoreReport>) => {
    const record = records.find(migration, 'target');
    const known = record?.stores[store]?.report;
    if (!known) return;
    const next = { ...known, ...change };
    record.stores[store]!.report = next;
    if (next.stage === known.stage) return;
    try {
      records.put(record);
    } catch (error) {
      // On a full disk it is still told, though not kept.
      log.warn({ store, stage: next.stage, detail: String(error) }, 'the stage could not be written down');
    }
  };
}
