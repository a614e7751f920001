import { setTimeout as sleep } from 'node:timers/promises';
import { type ComposeHost, checkOn } from '../../test/e2e/stage/compose-hosts.ts';
import type { AtEnd } from '../../test/support/spawned.ts';
import type { Visitors } from '../shop/visitors/index.js';
import { chapter, tell } from './story.ts';

/** The visitors leave, a while after the move; then each of their confirmed writes is looked for on the host that serves. */
export async function closeTheBooks(visitors: Visitors, at: ComposeHost, atEnd: AtEnd) {
  chapter('The ledger: every write that was confirmed, looked for on the other host');
  await sleep(3_000);
  const summary = await visitors.stop();
  await sleep(1_500);
  const ledger = await checkOn(at, visitors.ledger(), atEnd);
  for (const failure of summary.failures.slice(0, 5))
    tell(`failed after ${failure.at} s: ${failure.request}: ${failure.reason}`);
  return { summary, ledger };
}
