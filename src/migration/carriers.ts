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
  const [stores, offered] = await Promise.all([
    source.source.measure({ app: migration.srcAppName }),
    target.target.offered({ app: migration.dstAppName, migration: migration.id }),
  ]);
  return stores.map((store) => (offered.includes(store.name) ? toElsewhere(store) : store));
}

/** Into a database that Storky does not run: it follows nobody, and needs a copy of its own. */
const toElsewhere = (store: StoreMeasure): StoreMeasure => ({
  ...store,
  carriers: store.carriers.filter((carrier) => carrier !== 'remote'),
  findings: [
    ...store.findings,
    {
      id: 'target-follows',
      name: 'target-follows',
      verdict: 'fail',
      detail: 'it goes into a database that Storky does not run, which cannot follow the source',
      remedy: `Use the carrier backup, for which the app stands still; or leave out --addon ${store.name}, and Storky runs the new one.`,
    },
  ],
});
