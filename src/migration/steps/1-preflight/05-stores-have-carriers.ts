import { carrierFor, storesToCarry } from '../../carriers.ts';
import { type Check, fail, pass } from '../../check.ts';

/** Every addon and file tree needs a way across; nothing may be left behind in silence. */
export const storesHaveCarriers: Check = {
  id: 'stores-have-carriers',
  name: 'Every addon and file tree has a carrier',
  async ask(ctx) {
    const { source, migration, report } = ctx;
    const stores = await storesToCarry(ctx);
    const unknown = Object.keys(migration.carriers).filter((name) => !stores.some((store) => store.name === name));
    if (unknown.length > 0)
      return fail(
        `there is no addon or file tree named ${unknown.join(', ')}`,
        `Name one of: ${stores.map((store) => store.name).join(', ') || 'none'}.`,
      );
    const elsewhere = stores.filter(({ region }) => region !== null);
    if (elsewhere.length > 0)
      return fail(
        elsewhere.map(({ name, region }) => `${name} is in ${region}, and only used from ${source.name}`).join('; '),
        `Move ${migration.srcAppName} to where its addons are, and from there.`,
      );
    const without = stores.filter((store) => !carrierFor(store, migration.carriers));
    if (without.length > 0) {
      return fail(
        without
          .map(
            (store) =>
              `${store.name} (${store.engine ?? 'files'}) can be carried by ${store.carriers.join(', ') || 'nothing'}`,
          )
          .join('; '),
        'Choose a carrier with `--carrier NAME=CARRIER`; `manual` means that you carry it yourself.',
      );
    }
    await report((r) => {
      r.stores = stores.map((store) => ({
        name: store.name,
        kind: store.kind,
        carrier: carrierFor(store, migration.carriers)!,
        stage: 'waiting',
        progress: null,
        lagBytes: null,
        lagMs: null,
        bytesCopied: 0,
        rowsCompared: 0,
        filesCompared: 0,
        differences: 0,
        noWayBack: store.noWayBack,
        measuredBytes: store.bytes,
        detail: `${store.engine ? `${store.engine} ${store.version}` : 'files'}, ${formatBytes(store.bytes)}`,
      }));
      r.notMoved = stores
        .filter((store) => carrierFor(store, migration.carriers) !== 'remote')
        .flatMap((store) => store.notMoved.map((what) => `${store.name}: ${what}`));
    });
    return pass(
      stores.map((store) => `${store.name}: ${carrierFor(store, migration.carriers)}`).join(', ') || 'it has none',
    );
  },
};

const formatBytes = (bytes: number): string =>
  bytes < 1e6
    ? `${Math.ceil(bytes / 1e3)} kB`
    : bytes < 1e9
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${(bytes / 1e9).toFixed(2)} GB`;
