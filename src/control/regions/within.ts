import { StorkyError } from '../../protocol/errors.ts';

/** The answer, or `timeout` after `ms`. The call itself goes on. */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new StorkyError('timeout', { what: 'The answer', seconds: ms / 1000, where: 'the agent' })),
    ms,
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
