import type { Stray } from '../../../../protocol/migration.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { straysOf } from '../../strays.ts';
import { ifAllowed } from '../external/refusals.ts';
import { isOurUser } from '../names.ts';
import { ask, type Client } from '../wire/connect.ts';

/** Who wanted in since the seal, as the server's own log of refusals has it: its last 128 kinds, gone with a restart. Storky is refused where a container has forgotten it. */
export async function straysSince(instance: DatabaseInstance, client: Client, since: number): Promise<Stray[]> {
  const asked = ask<string[][]>(client, 'ACL', 'LOG');
  const entries = ((instance.external ? await ifAllowed(asked) : await asked) ?? []).map(asRecord);
  const refused = entries
    .filter(({ reason, username }) => reason === 'auth' && !isOurUser(String(username)))
    .map((entry) => ({
      at: Date.now() - Number(entry['age-seconds']) * 1000,
      who: String(entry.username),
      from: /(?:^| )addr=(\S+)/.exec(String(entry['client-info']))?.[1] ?? '',
      count: Number(entry.count),
    }));
  return straysOf(refused, since);
}

const asRecord = (pairs: string[]): Record<string, string> =>
  Object.fromEntries(pairs.flatMap((name, n) => (n % 2 === 0 ? [[name, pairs[n + 1]!]] : [])));
