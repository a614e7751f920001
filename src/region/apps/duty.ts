import type { HealthProbe } from './health.ts';

/** One thing that should run: everything a process is started with, except for the port that it is given. */
export interface Duty {
  type: string;
  index: number;
  command: string;
  folder: string;
  environment: Record<string, string>;
  logFile: string;
  stopTimeoutMs: number;
  /** For a web process, which gets a port; null for all others. */
  web: HealthProbe | null;
  /** Digest of what a change of means a restart. */
  spec: string;
}

export interface ScheduledDuty {
  duty: Duty;
  schedule: string;
}

/** What should run of an app here and now. */
export interface Formation {
  web: Duty[];
  workers: Duty[];
  schedules: ScheduledDuty[];
}

export const nothing: Formation = { web: [], workers: [], schedules: [] };
export const labelOf = ({ type, index }: { type: string; index: number }): string => `${type}.${index}`;
