import type { DatabaseEngine } from '../drivers/database/contract.ts';
import type { RouterClient } from '../router/client.ts';
import type { Apps } from './apps/apps.ts';
import type { GateControl } from './apps/gate-control.ts';
import type { SourceHome, TargetHome } from './home.ts';
import type { AppGate, Epochs } from './switch/parts.ts';

/** This region's apps and gates, as the two sides of a migration see them. */
export function homeOf(
  apps: Apps,
  router: RouterClient,
  engineOf: (name: string) => Promise<DatabaseEngine>,
): SourceHome & TargetHome {
  const { moving } = apps;
  const epochs = (app: string): Epochs => ({
    file: moving.epochFile(app),
    read: () => moving.epoch(app),
    record: (record) => moving.recordEpoch(app, record),
  });
  return {
    record: (app) => apps.document(app).record,
    exists: (app) => apps.exists(app),
    digestPart: (app, part) => moving.digestPart(app, part),
    async database(app, addon) {
      const instance = moving.instance(app, addon);
      return { engine: await engineOf(instance.engine), instance };
    },
    remotes: (app) => moving.abroad.of(app),
    loans: (app) => moving.abroad.loans(app),
    changeLoans: (app, change) => moving.abroad.changeLoans(app, change),
    dropRemote: (app, addon) => moving.dropRemote(app, addon),
    useRemotely: (app, definition, lender) => moving.useRemotely(app, definition, lender),
    treePath: (app, tree) => moving.treePath(app, tree),
    gate: (app) => gateOf(router, app, epochs(app).file),
    epochs,
    lock: (app, migration) => moving.lock(app, migration),
    unlock: (app, migration) => moving.unlock(app, migration),
    exportPart: (app, part) => moving.exportPart(app, part),
    storeDefinitions: (app) => moving.storeDefinitions(app),
    openBuild: (sha256) => apps.openBuild(sha256),
    runOnce: (app, command) => moving.runOnce(app, command),
    quiesce: (app) => moving.quiesce(app),
    halt: (app) => moving.halt(app),
    resume: (app) => moving.resume(app),
    unhalt: (app) => moving.unhalt(app),
    latency: (app) => router.latency(app),
    desired: (app) => apps.document(app).desired,
    setForward: (app, to) => moving.setForward(app, to),
    reconcile: (app) => moving.reconcile(app),
    createPassive: (base, by) => moving.createPassive(base, by),
    importPart: (app, part, value) => moving.importPart(app, part, value),
    clearPart: (app, part) => moving.clearPart(app, part),
    hasBuild: (sha256) => apps.hasBuild(sha256),
    receiveBuild: (sha256, archive) => apps.receiveBuild(sha256, archive),
    provision: (app, definition) => moving.provision(app, definition),
    deprovision: (app, store) => moving.deprovision(app, store),
    startWeb: (app) => moving.startWeb(app),
    stopWeb: (app) => moving.stopWeb(app),
    startWorkers: (app) => moving.startWorkers(app),
    removeCompletely: (app) => moving.removeCompletely(app),
  };
}

export function gateOf(router: RouterClient, app: string, epochFile: string): AppGate {
  return {
    async warm(to) {
      const known = (await router.status()).gates.find(({ gate }) => gate.app === app);
      if (known) await router.put({ ...known.gate, forward: to });
    },
    hold: async (limits, epoch) => void (await router.hold(app, limits, epoch, epochFile)),
    drain: (deadlineMs) => router.drain(app, deadlineMs),
    serve: () => router.serve(app),
    forward: (to) => router.forward(app, to),
  };
}

/** The router as the apps see it. */
export function gateControl(router: RouterClient): GateControl {
  return {
    put: (gate) => router.put(gate),
    remove: (app) => router.remove(app),
    upstreams: (app, upstreams) => router.upstreams(app, upstreams),
    metrics: (app) => router.metrics(app),
    certificates: (all) => router.certificates(all),
    status: async () => ({ gates: (await router.status()).gates.map(({ gate }) => gate) }),
  };
}
