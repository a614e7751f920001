import { mapEventIterator, ORPCError } from '@orpc/client';
import { type ErrorReport, StorkyError } from './errors.ts';

/**
 * A StorkyError crosses oRPC as an ORPCError whose `data` is its report. Servers pass `reportErrors(…)` as a handler's
 * `clientInterceptors`, clients pass `unwrapErrors(…)` as a link's `interceptors`: what is thrown on one side is caught
 * on the other, from streams of events too.
 */
interface Call {
  next(): Promise<unknown>;
}

/** `onUnexpected` sees what was no StorkyError, with its stack, since the peer is told the message alone. */
export function reportErrors(onUnexpected: (error: unknown) => void = () => {}) {
  const convert = (error: unknown) => {
    const converted = toORPCError(error);
    if (converted.code === 'internal') onUnexpected(error);
    return converted;
  };
  return (call: Call) => intercept(call, convert);
}

/** `unreachable` names what could not be reached at all, for example as `server_unreachable`. */
export function unwrapErrors(unreachable: (detail: string) => StorkyError) {
  return (call: Call) => intercept(call, (error) => toStorkyError(error, unreachable));
}

/** oRPC's own errors (input that is not valid, no such procedure) become ours too, so that a client meets one kind. */
export function toORPCError(error: unknown): ORPCError<string, ErrorReport> {
  if (error instanceof ORPCError && isReport(error.data)) return error;
  const ours = error instanceof ORPCError ? fromFrameworkError(error) : StorkyError.from(error);
  return new ORPCError(ours.code, { status: ours.http, message: ours.message, data: ours.report(), cause: error });
}

/** What a client caught, as a StorkyError. An abort of the caller's own signal stays what it is. */
export function toStorkyError(error: unknown, unreachable?: (detail: string) => StorkyError): Error {
  if (error instanceof StorkyError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  if (error instanceof ORPCError) {
    return isReport(error.data) ? StorkyError.fromReport(error.data) : fromFrameworkError(error);
  }
  return unreachable ? unreachable(reason(error)) : StorkyError.from(error);
}

/** Why a connection failed, in words: fetch hides it in `cause`, and several addresses tried hide it in `errors`. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reason(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}

async function intercept(call: Call, convert: (error: unknown) => Error): Promise<unknown> {
  try {
    const output = await call.next();
    if (!isAsyncIterator(output)) return output;
    return mapEventIterator(output, { value: async (value) => value, error: async (error) => convert(error) });
  } catch (error) {
    throw convert(error);
  }
}

function fromFrameworkError(error: ORPCError<string, unknown>): StorkyError {
  if (error.status >= 500) return new StorkyError('internal', { detail: error.message }, { cause: error });
  const issue = (error.data as { issues?: { message: string; path?: unknown[] }[] } | undefined)?.issues?.[0];
  const field = issue?.path?.map((key) => String((key as { key?: unknown })?.key ?? key)).join('.') || 'the request';
  return new StorkyError('bad_request', { detail: issue ? `${field}: ${issue.message}` : error.message, field });
}

function isReport(data: unknown): data is ErrorReport {
  const report = data as Partial<ErrorReport> | null | undefined;
  return typeof report?.code === 'string' && typeof report.remedy === 'string';
}

function isAsyncIterator(value: unknown): value is AsyncIterator<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value;
}
