import type { Phase } from '../protocol/migration.ts';
import { checkStep } from './check.ts';
import type { Step } from './step.ts';
import { regionsReachable } from './steps/1-preflight/01-regions-reachable.ts';
import { regionsSeeEachOther } from './steps/1-preflight/02-regions-see-each-other.ts';
import { appAtHome } from './steps/1-preflight/03-app-at-home.ts';
import { sameArchitecture } from './steps/1-preflight/04-same-architecture.ts';
import { storesHaveCarriers } from './steps/1-preflight/05-stores-have-carriers.ts';
import { enginesReady } from './steps/1-preflight/06-engines-ready.ts';
import { targetHasRoom } from './steps/1-preflight/07-target-has-room.ts';
import { certificatesValid } from './steps/1-preflight/08-certificates-valid.ts';
import { noPendingMigrations } from './steps/1-preflight/09-no-pending-migrations.ts';
import { sourceSpeaks } from './steps/1-preflight/10-source-speaks.ts';
import { notMoved } from './steps/1-preflight/11-not-moved.ts';
import { usedRemotely } from './steps/1-preflight/12-used-remotely.ts';
import { rollup } from './steps/1-preflight/13-rollup.ts';
import { lock } from './steps/2-prepare/01-lock.ts';
import { createApp } from './steps/2-prepare/02-create-app.ts';
import { importBuild } from './steps/2-prepare/03-import-build.ts';
import { importEnvironment } from './steps/2-prepare/04-import-environment.ts';
import { importSettings } from './steps/2-prepare/05-import-settings.ts';
import { importLimits } from './steps/2-prepare/06-import-limits.ts';
import { importFormation } from './steps/2-prepare/07-import-formation.ts';
import { importCollaborators } from './steps/2-prepare/08-import-collaborators.ts';
import { importScm } from './steps/2-prepare/09-import-scm.ts';
import { importDomains } from './steps/2-prepare/10-import-domains.ts';
import { importNotifiers } from './steps/2-prepare/11-import-notifiers.ts';
import { importAlerts } from './steps/2-prepare/12-import-alerts.ts';
import { importLogDrains } from './steps/2-prepare/13-import-log-drains.ts';
import { importAutoscalers } from './steps/2-prepare/14-import-autoscalers.ts';
import { importChecks } from './steps/2-prepare/15-import-checks.ts';
import { importProject } from './steps/2-prepare/16-import-project.ts';
import { stopSource } from './steps/3-data/01-stop-source.ts';
import { openStores } from './steps/3-data/02-open-stores.ts';
import { provision } from './steps/3-data/03-provision.ts';
import { carry } from './steps/3-data/04-carry.ts';
import { startWeb } from './steps/3-data/05-start-web.ts';
import { rehearse } from './steps/3-data/06-rehearse.ts';
import { leaveForRollback } from './steps/4-switch/00-leave.ts';
import { provisionIfSkipped } from './steps/4-switch/01-provision.ts';
import { startWebForRollback, startWebIfSkipped } from './steps/4-switch/02-start-web.ts';
import { checkAgain } from './steps/4-switch/03-check-again.ts';
import { buildWayBack } from './steps/4-switch/04-build-way-back.ts';
import { quiesce } from './steps/4-switch/05-quiesce.ts';
import { performSwitch } from './steps/4-switch/06-switch.ts';
import { startWorkers } from './steps/4-switch/07-start-workers.ts';
import { tidy } from './steps/4-switch/08-tidy.ts';
import { followBack } from './steps/4-switch/09-follow-back.ts';
import { endWayBack } from './steps/5-after/01-end-way-back.ts';
import { compareAll } from './steps/6-verify/01-compare.ts';

/** A switch, in either direction: to a step, `source` is the side that serves now, and `target` the one that will. */
const switchIn = (phase: Phase): Step[] =>
  [checkAgain, buildWayBack, quiesce, performSwitch, startWorkers, tidy, followBack].map((step) => step(phase));

/**
 * WHAT HAPPENS, IN ORDER. The riskiest moment is `performSwitch`; everything before it is undone backwards by `abort`;
 * what comes after it is taken back by `rollback`, which is a switch the other way, until `complete`.
 */
const phases: Partial<Record<Phase, readonly Step[]>> = {
  preflight: [
    ...[
      regionsReachable,
      regionsSeeEachOther,
      appAtHome,
      sameArchitecture,
      storesHaveCarriers,
      enginesReady,
      targetHasRoom,
      certificatesValid,
      noPendingMigrations,
      sourceSpeaks,
      notMoved,
      usedRemotely,
    ].map(checkStep),
    rollup,
  ],
  prepare: [
    lock,
    createApp,
    importBuild,
    importEnvironment,
    importSettings,
    importLimits,
    importFormation,
    importCollaborators,
    importScm,
    importDomains,
    importNotifiers,
    importAlerts,
    importLogDrains,
    importAutoscalers,
    importChecks,
    importProject,
  ],
  data: [stopSource, openStores, provision, carry, startWeb, rehearse],
  finalize: [provisionIfSkipped, startWebIfSkipped, ...switchIn('finalize')],
  rollback: [leaveForRollback, startWebForRollback, ...switchIn('rollback')],
  complete: [endWayBack],
  verify: [compareAll],
};

/** The steps of a phase, in order; empty for `abort`, which undoes what the others finished. */
export const plan = (phase: Phase): readonly Step[] => phases[phase] ?? [];
