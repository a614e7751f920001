import { join } from 'node:path';
import type { ProcessType } from '../../protocol/app-record/process.ts';
import type { EpochRecord } from '../../protocol/gate.ts';
import type { AppDocument } from './app-document.ts';
import { digestOf } from './canonical.ts';
import { type Duty, type Formation, labelOf, nothing } from './duty.ts';
import { probeOf } from './health.ts';

/** May the web processes run here? Passive regions run them only for a preview before the switch. */
export const webMayRun = (document: AppDocument, { role }: EpochRecord): boolean =>
  mayRun(document) && (role === 'active' || document.webWhilePassive);

/** Workers and schedules never run on both sides: only where the app is active, and not while they are held back. */
export const workMayRun = (document: AppDocument, { role }: EpochRecord): boolean =>
  mayRun(document) && role === 'active' && !document.quiesced;

const mayRun = ({ desired, halted, life, record }: AppDocument): boolean =>
  desired === 'running' && !halted && life === 'created' && record.build !== null;

export interface Surroundings {
  release: string;
  /** Resolved. */
  environment: Record<string, string>;
  logs: string;
  host: string;
}

/** What should run, from what is known; pure. */
export function formationOf(document: AppDocument, epoch: EpochRecord, around: Surroundings): Formation {
  const types = Object.entries(document.record.processes);
  const web = types.filter(([type]) => type === 'web');
  const others = types.filter(([type]) => type !== 'web');
  const work = workMayRun(document, epoch) ? others : [];
  const duties = ([type, of]: [string, ProcessType]) =>
    Array.from({ length: of.amount }, (_, n) => dutyOf(type, n + 1, of, document, around));
  return {
    ...nothing,
    web: webMayRun(document, epoch) ? web.flatMap(duties) : [],
    workers: work.filter(([, of]) => of.schedule === undefined).flatMap(duties),
    schedules: work
      .filter(([, of]) => of.schedule !== undefined && of.amount > 0)
      .map(([type, of]) => ({ duty: dutyOf(type, 1, of, document, around), schedule: of.schedule! })),
  };
}

function dutyOf(type: string, index: number, of: ProcessType, document: AppDocument, around: Surroundings): Duty {
  const { build } = document.record;
  const { command, health, stopTimeoutSeconds } = of;
  const web = type === 'web' ? probeOf(of.health, around.host) : null;
  return {
    type,
    index,
    command: of.command,
    folder: around.release,
    environment: { ...around.environment, PROCESS_TYPE: type },
    logFile: join(around.logs, `${labelOf({ type, index })}.log`),
    stopTimeoutMs: of.stopTimeoutSeconds * 1000,
    web,
    spec: digestOf({
      command,
      health,
      stopTimeoutSeconds,
      build,
      environment: around.environment,
      folder: around.release,
      ...(document.restarts > 0 && { restarts: document.restarts }),
    }),
  };
}
