import type { CheckResult, Migration } from '../../../protocol/migration.ts';
import type { StoreMeasure } from '../../../protocol/region-contract.ts';
import { carrierFor, storesToCarry } from '../../carriers.ts';
import { type Check, notApplicable } from '../../check.ts';

/** What each engine needs to be followed live, as the engine itself says it. */
export const enginesReady: Check = {
  id: 'engines-ready',
  name: 'The engines can be followed live',
  async ask(ctx) {
    const { migration } = ctx;
    const stores = await storesToCarry(ctx);
    const live = stores.filter((store) => carrierFor(store, migration.carriers) === 'live');
    const found = [...live.flatMap(named), ...stores.filter(isSecondBest(migration.carriers)).flatMap(whyNotLive)];
    return found.length > 0 ? found : notApplicable('nothing is carried live');
  },
};

const named = ({ name, findings }: StoreMeasure): CheckResult[] =>
  findings.map((finding) => ({
    ...finding,
    id: `engines-ready.${name}.${finding.id}`,
    name: `${name}: ${finding.name}`,
  }));

/** Nobody asked for another carrier: it is proposed because something is missing for the best one. */
const isSecondBest = (chosen: Migration['carriers']) => (store: StoreMeasure) =>
  chosen[store.name] === undefined && store.carriers.includes('live') && carrierFor(store, chosen) !== 'live';

const whyNotLive = (store: StoreMeasure): CheckResult[] =>
  named(store)
    .filter(({ verdict }) => verdict === 'fail')
    .map((finding) => ({ ...finding, verdict: 'warn', detail: `not carried live: ${finding.detail}` }));
