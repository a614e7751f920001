import { StorkyError } from '../../protocol/errors.ts';

/** What the system says where the other end of a connection within this machine has ended, or does not listen yet. */
const gone = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

/** A database that was killed is started again by its agent: whoever asked tries again, and need not ask a person. */
export function sayingWhoIsAway(error: unknown): unknown {
  const { code, message, errors } = (error ?? {}) as Partial<NodeJS.ErrnoException & AggregateError>;
  if (error instanceof StorkyError || !gone.includes(code ?? '')) return error;
  return new StorkyError('database_unreachable', { detail: message || errors?.[0]?.message }, { cause: error });
}
