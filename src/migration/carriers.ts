import type { Carrier } from '../protocol/migration.ts';
import type { StoreMeasure } from '../protocol/region-contract.ts';
import type { StepContext } from './step.ts';

/** Best first: what Storky proposes when the user does not choose. */
const preference: readonly Carrier[] = ['live', 'backup', 'remote', 'provision'];

/** Brings data over, so that the data phase cannot be skipped. */
export const bringsData = ({ carrier }: { carrier: Carrier }): boolean => carrier === 'live' || carrier === 'backup';

/** The chosen carrier if the store allows it, else the best that it allows; undefined when nothing carries it. */
export function carrierFor(store: StoreMeasure, chosen: Record<string, Carrier>): Carrier | undefined {
  const wish = chosen[store.name];
  if (wish) return store.carriers.includes(wish) ? wish : undefined;
  const possible = store.findings.some((finding) => finding.verdict === 'fail')
    ? store.carriers.filter((carrier) => carrier !== 'live')
    : store.carriers;
  return preference.find((carrier) => possible.includes(carrier));
}

/** The stores as the source has them, with what the target's side has to say to the ways across. */
export async function storesToCarry({ source, target, migration }: StepContext): Promise<StoreMeasure[]> {
  const stores = await source.source.measure({ app: migration.srcAppName });
  const engines = Object.fromEntries(stores.flatMap(({ name, engine }) => (engine ? [[name, engine]] : [])));
  const offered = await target.target.offered({ app: migration.dstAppName, migration: migration.id, engines });
  return stores.map((store) => {
    const offer = offered.find(({ name }) => name === store.name);
    return offer ? toElsewhere(store, offer.findings) : store;
  });
}

/** Into a database that Storky does not run: it needs a copy of its own, and nobody follows it back. */
const toElsewhere = (store: StoreMeasure, findings: StoreMeasure['findings']): StoreMeasure => ({
  ...store,
  carriers: store.carriers.filter((carrier) => carrier !== 'remote'),
  findings: [...store.findings, ...findings],
  noWayBack: store.noWayBack ?? 'it goes into a database that Storky does not run, and is not followed back from there',
});
