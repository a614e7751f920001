import type { MigrationStep, Progress } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { amount, duration } from '../show/units.ts';

const spinner = ['⣾', '⣽', '⣻', '⢿', '⡿', '⣟', '⣯', '⣷'];

export interface Moment {
  paint: Paint;
  /** Milliseconds since the epoch, for what is still running. */
  now: number;
  /** Which picture of the spinner; null where nothing is redrawn. */
  frame: number | null;
  rate(stepId: string): number | undefined;
}

/** One step: mark, name, how it ended, how long it took. */
export function stepLine(step: MigrationStep, { paint, now, frame, rate }: Moment): string {
  const ended = step.finishedAt ? Date.parse(step.finishedAt) : now;
  const took = paint.dim(duration(Math.max(0, ended - Date.parse(step.startedAt))));
  const why = step.logs ? paint.dim(` – ${step.logs.trim().split('\n').at(-1)}`) : '';
  switch (step.status) {
    case 'running':
      return (
        paint.blue(`${frame === null ? '…' : spinner[frame % spinner.length]} ${step.name}...`) +
        progressText(step, rate(step.id), paint)
      );
    case 'done':
      return `${paint.green(`✔ ${step.name} Done!`)} ${took}`;
    case 'error':
      return `${paint.red(`✘ ${step.name} FAILED!`)} ${took}`;
    case 'skipped':
      return `${paint.dim(`– ${step.name} not needed`)}${why}`;
    case 'undone':
      return `${paint.yellow(`↺ ${step.name} taken back`)} ${took}`;
  }
}

function progressText({ progress }: MigrationStep, rate: number | undefined, paint: Paint): string {
  if (!progress) return '';
  const begun = progress.done > 0 || progress.total !== null;
  const parts = begun ? [percent(progress), quantity(progress), speed(progress, rate), progress.note] : [progress.note];
  return ` ${paint.dim(parts.filter(Boolean).join(' · '))}`;
}

function percent({ done, total }: Progress): string {
  return total ? `${Math.min(100, Math.floor((done / total) * 100))} %` : '';
}

function quantity({ done, total, unit }: Progress): string {
  return total === null ? amount(done, unit) : `${amount(done, unit)} of ${amount(total, unit)}`;
}

function speed({ done, total, unit }: Progress, rate: number | undefined): string {
  if (rate === undefined || unit === 'ms') return '';
  const left = total && total > done ? ` · ${duration(((total - done) / rate) * 1000)} left` : '';
  return `${amount(rate, unit)}/s${left}`;
}
