import { StorkyError } from '../../../../protocol/errors.ts';
import { verdictsOn } from '../external/refusals.ts';
import { markerChannel } from '../names.ts';
import { byLine, lineOf, oldest } from '../server/binaries.ts';
import type { Client, Command } from '../wire/connect.ts';

/** What a move does to a server, each so that nothing happens where it is only taken up. */
const commands: Command[] = [
  ['ACL', 'SETUSER', 'storky_nobody', 'off'],
  ['CLIENT', 'PAUSE', 1, 'WRITE'],
  ['CONFIG', 'SET', 'repl-ping-replica-period', 10],
  ['REPLICAOF', 'NO', 'ONE'],
  ['SPUBLISH', markerChannel, ''],
];

/** @throws StorkyError unsupported where the server is too old, or its owner has taken away a command that a move needs */
export async function refuseUnfit(client: Client, addon: string, version: string): Promise<void> {
  if (byLine(lineOf(version), oldest) < 0)
    throw unsupported(addon, `it is ${version}, and ${oldest} is the oldest that can be moved`);
  const verdicts = await verdictsOn(client, commands);
  const missing = commands.filter((_, n) => verdicts[n] !== 'may').map(([name]) => name);
  if (missing.length > 0)
    throw unsupported(addon, `its container has no ${missing.join(', ')} for the account without a name`);
}

export const unsupported = (addon: string, detail: string) =>
  new StorkyError('unsupported', {
    what: `The database ${addon}`,
    detail,
    hint: 'Give the app the database by its address instead: docs/databases-that-storky-does-not-run.md.',
  });
