import type { RegionInfo } from '../../protocol/region-contract.ts';
import type { RegionAnswers } from '../agent/answers.ts';
import { quiet } from '../quiet.ts';
import { reach } from '../reach.ts';
import { carryStore, limitCopy, stopCarrying } from './carrying.ts';
import { checkTarget } from './check.ts';
import { closeTarget } from './close.ts';
import { create, deprovision, importPart, provision, remove, useRemotely } from './creating.ts';
import { offered } from './offered.ts';
import { rehearse, startWeb } from './running.ts';
import { reportsOf, type TargetSide } from './target-side.ts';
import { verifyAgain } from './verifying.ts';
import { verifyChanged } from './verifying-changed.ts';

/** What the control plane may ask of the region that an app goes to. */
export function targetProcedures(
  side: TargetSide,
  info: () => Promise<RegionInfo>,
): Omit<RegionAnswers['target'], 'openWayBack' | 'closeWayBack' | 'forget' | 'endLoans'> {
  const { home } = side;
  return {
    check: (input) => checkTarget(side, info, input),
    offer: quiet(async ({ app, migration, addresses }) => side.offers.put(app, migration, addresses)),
    offered: (input) => offered(side, input),
    reach: ({ peer }) => reach(peer),
    create: (input) => create(side, input),
    import: quiet((input) => importPart(side, input)),
    clear: quiet(({ app, part }) => home.exists(app) && home.clearPart(app, part)),
    digest: async ({ app, part }) => home.digestPart(app, part),
    provision: quiet((input) => provision(side, input)),
    useRemotely: quiet((input) => useRemotely(side, input)),
    deprovision: quiet((input) => deprovision(side, input)),
    limit: quiet(({ migration, copyLimit, insists }) => limitCopy(side, migration, copyLimit, insists)),
    pressure: async ({ migration }) => side.records.get(migration, 'target').pressure ?? null,
    carry: quiet(({ migration, store, carrier }) => carryStore(side, migration, store, carrier)),
    stopCarrying: quiet(({ migration, store }) => stopCarrying(side, migration, store)),
    verify: (input) => verifyAgain(side, input),
    verifyChanged: (input) => verifyChanged(side, input),
    stores: async ({ migration }) => reportsOf(side, migration),
    startWeb: (input) => startWeb(side, input),
    stopWeb: quiet(({ app }) => home.exists(app) && home.stopWeb(app)),
    rehearse: (input) => rehearse(side, input),
    startWorkers: quiet(({ app }) => home.startWorkers(app)),
    epoch: async ({ app }) => home.epochs(app).read(),
    close: quiet((input) => closeTarget(side, input)),
    remove: quiet((input) => remove(side, input)),
  };
}
