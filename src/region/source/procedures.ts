import type { RegionAnswers } from '../agent/answers.ts';
import { quiet } from '../quiet.ts';
import { reach } from '../reach.ts';
import { measureStores } from './measure.ts';
import { namesOldHost } from './old-host.ts';
import { close, lend, lock, openStore, pendingMigrations, ready, unlock } from './source-service.ts';
import type { SourceSide } from './source-side.ts';
import { staysBehind } from './stays-behind.ts';
import type { Switching } from './switching.ts';

/** What the control plane may ask of the region that an app leaves. */
export function sourceProcedures(
  side: SourceSide,
  switching: Switching,
): Omit<RegionAnswers['source'], 'proveWayBack' | 'followBack' | 'followingBack' | 'retained'> {
  const { home } = side;
  return {
    lock: quiet((input) => lock(side, input)),
    unlock: quiet((input) => unlock(side, input)),
    measure: ({ app }) => measureStores(home, side.stores, app),
    check: async ({ app }) => [
      ...namesOldHost(home, app, side.host, side.domain),
      ...staysBehind(home, app),
      ...(await home.waysIn(app)),
    ],
    reach: ({ peer }) => reach(peer),
    digest: async ({ app, part }) => home.digestPart(app, part),
    pendingMigrations: (input) => pendingMigrations(side, input),
    openStore: (input) => openStore(side, input),
    lend: quiet((input) => lend(side, input)),
    ready: quiet((input) => ready(side, switching, input)),
    quiesce: quiet(({ app }) => home.quiesce(app)),
    resume: quiet(({ app }) => home.resume(app)),
    stopApp: quiet(({ app }) => home.halt(app)),
    startApp: quiet(({ app }) => home.unhalt(app)),
    desired: async ({ app }) => ({ desired: home.desired(app) }),
    switch: ({ migration, epoch, budgetMs }) => switching.switch(migration, epoch, budgetMs),
    switching: async ({ app }) => ({ running: switching.running(app) }),
    epoch: async ({ app }) => home.epochs(app).read(),
    close: quiet((input) => close(side, input)),
  };
}
