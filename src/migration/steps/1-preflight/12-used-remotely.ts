import { carrierFor } from '../../carriers.ts';
import { type Check, notApplicable, warn } from '../../check.ts';

/** Carrier `remote` costs nothing in the move, and a round trip for every query after it. */
export const usedRemotely: Check = {
  id: 'used-remotely',
  name: 'Addons that stay behind and are used from afar',
  async ask({ source, target, migration }) {
    const stores = await source.source.measure({ app: migration.srcAppName });
    const stay = stores.filter((store) => carrierFor(store, migration.carriers) === 'remote').map(({ name }) => name);
    if (stay.length === 0) return notApplicable('none stays behind');
    const { address } = await source.info();
    const { roundTripMs } = await target.target.reach({ peer: address });
    const names = stay.join(', ');
    return warn(
      `${names} ${stay.length === 1 ? 'stays' : 'stay'} in ${source.name}: from ${target.name} every query takes ` +
        `${roundTripMs.toFixed(1)} ms more, the round trip, and fails while ${source.name} cannot be reached. ` +
        'Before the switch the preview works on the real data',
      `Take it along with \`--carrier ${stay[0]}=live\`, or go on if that is fast enough.`,
    );
  },
};
