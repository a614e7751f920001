import type { Measure } from '../../../store.ts';
import type { Client } from '../wire/connect.ts';
import { infoOf, keyspaceOf } from '../wire/info.ts';

export async function measureSource(client: Client): Promise<Measure> {
  const info = await infoOf(client, 'memory', 'keyspace');
  const scripts = Number(info.number_of_cached_scripts ?? 0);
  return {
    bytes: Number(info.used_memory_dataset),
    items: keyspaceOf(info).reduce((sum, { keys }) => sum + keys, 0),
    notMoved:
      scripts > 0
        ? [`${scripts} cached scripts (EVALSHA): Redis tells them to no replica; clients load them again`]
        : [],
  };
}
