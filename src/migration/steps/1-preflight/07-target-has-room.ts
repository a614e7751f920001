import { carrierFor } from '../../carriers.ts';
import type { Check } from '../../check.ts';

/** Name free, room for 1.2 × the measured size, engines, versions and plans: only the target can tell. */
export const targetHasRoom: Check = {
  id: 'target-has-room',
  name: 'The target has the name, the room and the engines',
  async ask({ source, target, migration }) {
    const app = await source.apps.get({ app: migration.srcAppName });
    const all = await source.source.measure({ app: migration.srcAppName });
    const stays = new Set(
      all.filter((store) => carrierFor(store, migration.carriers) === 'remote').map(({ name }) => name),
    );
    const stores = all.filter(({ name }) => !stays.has(name));
    const bytes = stores.reduce(
      (sum, store) => sum + store.bytes,
      app.record.build?.kind === 'archive' ? app.record.build.bytes : 0,
    );
    const addons = app.record.addons.filter(({ name }) => !stays.has(name));
    return target.target.check({
      app: migration.dstAppName,
      migration: migration.id,
      record: { ...app.record, addons },
      bytes,
    });
  },
};
