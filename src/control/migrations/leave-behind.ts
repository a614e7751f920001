import { StorkyError } from '../../protocol/errors.ts';
import type { Migration, Phase } from '../../protocol/migration.ts';

/**
 * What a rollback is told to leave is written down before anything is done for it: with its first step the copy that could
 * go back is given up, and no later rollback may take it for current. @throws StorkyError bad_request
 */
export function leaveBehind(
  { report, destination }: Pick<Migration, 'report' | 'destination'>,
  phase: Phase,
  names: readonly string[],
): void {
  const refuse = (detail: string): never => {
    throw new StorkyError('bad_request', { field: 'leave', detail });
  };
  if (names.length > 0 && phase !== 'rollback') refuse('only a rollback can leave an addon behind');
  const stores = names.map((name) => {
    const store = report.stores.find((known) => known.name === name);
    if (store?.kind !== 'database') return refuse(`there is no addon named ${name}`);
    if (store.carrier === 'remote' ? store.region !== destination : store.carrier !== 'live')
      return refuse(`${name} was carried by ${store.carrier}, and only what was followed live can be left behind`);
    return store;
  });
  for (const store of stores) Object.assign(store, { carrier: 'remote', region: destination });
}
