import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseEngine } from '../drivers/database/contract.ts';
import type { ProjectRuntime } from '../drivers/runtime/projects.ts';
import { StorkyError } from '../protocol/errors.ts';
import type { RouterClient } from '../router/client.ts';
import type { Apps } from './apps/apps.ts';
import type { GateControl } from './apps/gate-control.ts';
import type { SourceHome, TargetHome } from './home.ts';
import type { MigrationRecords } from './migrations/records.ts';
import type { AppGate, Epochs } from './switch/parts.ts';

/** This region's apps and gates, as the two sides of a migration see them. */
export function homeOf(
  apps: Apps,
  router: RouterClient,
  records: Pick<MigrationRecords, 'any'>,
  containers: ProjectRuntime,
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
    gate: (app) => gateOf(router, app, epochs(app).file, (routerPid) => moving.projects.passing(app, routerPid)),
    epochs,
    async lock(app, migration) {
      await moving.lock(app, migration);
      await moving.projects.begin(app);
    },
    async unlock(app, migration) {
      await moving.unlock(app, migration);
      if (!records.any(app)) await moving.projects.end(app);
    },
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
    checkProject: (project) => containers.check(project),
    passing: async (app) => moving.projects.passing(app, (await router.status()).pid),
    waysIn: async (app) => moving.projects.waysIn(app, (await router.status()).pid),
    images: containers.images,
    keepImage: (app, id) => moving.keepImage(app, id),
    receiveBuild: (sha256, archive) => apps.receiveBuild(sha256, archive),
    provision: (app, definition) => moving.provision(app, definition),
    deprovision: (app, store) => moving.deprovision(app, store),
    startWeb: (app) => moving.startWeb(app),
    stopWeb: (app) => moving.stopWeb(app),
    startWorkers: (app) => moving.startWorkers(app),
    removeCompletely: (app) => moving.removeCompletely(app),
  };
}

export function gateOf(
  router: RouterClient,
  app: string,
  epochFile: string,
  passing: (routerPid: number) => string[] = () => [],
): AppGate {
  let routerPid: number | undefined;
  let nonePassed = false;
  return {
    async warm(to) {
      const { gates, pid } = await router.status();
      routerPid = pid;
      // Looked for before anything is held, since it takes its time (100 ms where thousands of connections have just ended): the
      // rules are in, so whoever has come since has come by the gate.
      nonePassed = passing(pid).length === 0;
      const known = gates.find(({ gate }) => gate.app === app);
      if (!known) return;
      // Not all of the gate as it was read: its upstreams may be others by now.
      await router.warm(app, to).catch(async (error) => {
        // A router goes on over an upgrade, and an older one does not know this.
        if (StorkyError.from(error).code !== 'bad_request') throw error;
        await router.put({ ...known.gate, forward: to });
      });
    },
    hold: async (limits, epoch) => void (await router.hold(app, limits, epoch, epochFile)),
    // What goes past the gate is in flight as well: nobody can hold it, so it is waited for.
    async drain(deadlineMs) {
      const until = performance.now() + deadlineMs;
      routerPid ??= (await router.status()).pid;
      const pid = routerPid;
      const { inFlight } = await router.drain(app, deadlineMs);
      if (nonePassed) return { inFlight };
      while (passing(pid).length > 0 && performance.now() < until) await sleep(10);
      return { inFlight: inFlight + passing(pid).length };
    },
    serve: () => router.serve(app),
    forward: (to) => router.forward(app, to),
  };
}

/** The router as the apps see it. */
export function gateControl(router: RouterClient): GateControl {
  return {
    put: (gate) => router.put(gate),
    remove: (app) => router.remove(app),
    upstreams: (app, upstreams, entries) => router.upstreams(app, upstreams, entries),
    metrics: (app) => router.metrics(app),
    certificates: (all) => router.certificates(all),
    status: async () => ({ gates: (await router.status()).gates.map(({ gate }) => gate) }),
  };
}
