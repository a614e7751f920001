import { StorkyError } from '../../protocol/errors.ts';
import type { Deadline } from '../store.ts';

/** @throws StorkyError timeout */
export function checkDeadline(deadline: Deadline): void {
  deadline.signal.throwIfAborted();
  if (performance.now() > deadline.at)
    throw new StorkyError('timeout', {
      what: 'Sending the files that are not in sync',
      seconds: 0,
      where: 'the source',
    });
}
