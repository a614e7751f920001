import { AppRecord, type RecordPart } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { digestOf } from './canonical.ts';

/** One part as it crosses to another region: raw, secrets included, collaborators only where they have accepted. */
export function exportPart(record: AppRecord, part: RecordPart): unknown {
  if (part === 'collaborators') return record.collaborators.filter(({ status }) => status === 'accepted');
  // With where it came from, so that the next deploy finds it.
  if (part === 'build') return { build: record.build, source: record.source, buildCommand: record.buildCommand };
  return record[part];
}

export function digestPart(record: AppRecord, part: RecordPart): { digest: string; items: number } {
  const value = exportPart(record, part);
  return { digest: digestOf(value), items: count(value) };
}

/** The record with the part in place, the whole validated. */
export function withPart(record: AppRecord, part: RecordPart, value: unknown): AppRecord {
  const parsed = AppRecord.safeParse({ ...record, ...(part === 'build' ? (value as object) : { [part]: value }) });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new StorkyError('bad_request', { detail: issue.message, field: issue.path.join('.') });
}

/** The record as if the part had never been written. */
export function withoutPart(record: AppRecord, part: RecordPart): AppRecord {
  return withPart(record, part, part === 'build' ? { build: null, source: undefined, buildCommand: null } : undefined);
}

function count(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (Array.isArray(value)) return value.length;
  return Object.keys(value).length;
}
