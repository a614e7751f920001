import { type ErrorReport, StorkyError } from '../protocol/errors.ts';
import type { Paint } from './show/paint.ts';

export const usage = (detail: string, field: string) => new StorkyError('bad_usage', { detail, field });

/** Red what, dim why, and what to do about it. */
export function errorText(error: StorkyError, paint: Paint, usageLine?: string): string {
  const why = error.cause instanceof Error ? error.cause.message : undefined;
  return [
    paint.red(`✘ ${error.message}`),
    ...(why && !error.message.includes(why) ? [paint.dim(`  ${why}`)] : []),
    ...(usageLine ? [`  ${usageLine}`] : []),
    `${paint.cyan('→')} ${error.remedy}`,
  ].join('\n');
}

/** What `--json` prints. */
export function errorJson(error: StorkyError): Pick<ErrorReport, 'code' | 'what' | 'remedy' | 'fields'> {
  const { code, what, remedy, fields } = error.report();
  return { code, what, remedy, fields };
}
