import { join } from 'node:path';
import { Slots } from '../base/slots.ts';
import { discover } from '../drivers/runtime/docker/discover.ts';
import { openDocker } from '../drivers/runtime/docker/docker.ts';
import { dockerProjects } from '../drivers/runtime/docker/project/runtime.ts';
import { localRuntime } from '../drivers/runtime/local/runtime.ts';
import type { ProjectRuntime } from '../drivers/runtime/projects.ts';
import { RouterClient } from '../router/client.ts';
import type { RegionContext, RegionParts } from './agent/parts.ts';
import { allowLive } from './allow-live.ts';
import { appAnswers } from './app-answers.ts';
import { Apps } from './apps/apps.ts';
import { hosted } from './apps/projects/hosted.ts';
import { gateControl, homeOf } from './apps-home.ts';
import { engineNamed } from './engine-named.ts';
import { authoriseBy } from './migrations/grants.ts';
import { MigrationRecords } from './migrations/records.ts';
import { OpenStores } from './open-stores.ts';
import { quiet } from './quiet.ts';
import { Lending } from './remote/lending.ts';
import { wayThrough } from './remote/way.ts';
import { restartWeb } from './restart.ts';
import { sourceLinks } from './source/links.ts';
import { sourceProcedures } from './source/procedures.ts';
import { Switching } from './source/switching.ts';
import { openSource, openTarget, openWayBack } from './stores.ts';
import { CarryJobs } from './target/carry-jobs.ts';
import { Endpoints } from './target/endpoints.ts';
import { Governors } from './target/governors.ts';
import { targetLinks } from './target/links.ts';
import { Offers } from './target/offers.ts';
import { targetProcedures } from './target/procedures.ts';
import { settleTarget } from './target/settle.ts';
import { stillClosed, type TargetSide } from './target/target-side.ts';
import { beginBack } from './way-back/follow.ts';
import { watchDisk } from './way-back/give-up.ts';
import { wayBackProcedures } from './way-back/procedures.ts';
import type { WayBackOf } from './way-back/prove.ts';

/** What lives in an agent: the apps of its region, and both sides of the migrations that run. */
export function assembleRegion(context: RegionContext): RegionParts {
  const { region, dataFolder, domain, link, address } = context;
  const router = new RouterClient(context.routerSocket);
  const publicUrl = (host: string) =>
    `http://${host}${context.publicHttpPort === 80 ? '' : `:${context.publicHttpPort}`}`;
  const containers = dockerProjects(region, context.dockerSocket, context.engines, join(dataFolder, 'images'));
  const apps = new Apps({
    remoteWay: wayThrough(link),
    dataFolder,
    region,
    domain,
    router: gateControl(router),
    runtime: localRuntime,
    containers,
    databaseMoved: (app, addon) => reopen(app, addon),
    engines: context.engines,
    publicUrl,
  });
  const records = new MigrationRecords(dataFolder);
  const home = homeOf(apps, router, records, containers, (name) => engineOf(context, containers, name));
  const lending = new Lending(home, region);
  const source = {
    region,
    host: address.host,
    domain,
    home,
    records,
    link,
    lending,
    stores: new OpenStores((app, name) => openSource(home, dataFolder, app, name)),
  };
  const wayBackOf: WayBackOf = (app, name) => openWayBack(home, dataFolder, app, name);
  const governors = new Governors(link, records);
  const target: TargetSide = {
    region,
    dataFolder,
    home,
    records,
    link,
    jobs: new CarryJobs(),
    copies: new Slots(context.copies),
    endpoints: new Endpoints(
      link,
      records,
      governors,
      async (app, store) => (await home.database(app, store)).instance.guest?.gateway,
    ),
    governors,
    offers: new Offers(dataFolder),
    attempts: new Map(),
    engine: (name) => engineOf(context, containers, name),
    stores: new OpenStores((app, name) => openTarget(home, dataFolder, app, name)),
    beginBack: (record, name, from, signal) => beginBack(target, wayBackOf, record, name, from, signal),
  };
  const reopen = async (app: string, addon: string) => {
    for (const { stream } of [...records.all('source'), ...records.all('target')].filter((one) => one.app === app))
      await Promise.all([source.stores.closeOne(stream, addon), target.stores.closeOne(stream, addon)]);
  };
  const switching = new Switching(source);
  const wayBack = wayBackProcedures(source, target, wayBackOf);
  let disk: Disposable | undefined;
  return {
    answers: {
      apps: {
        ...appAnswers(apps, records),
        allowLive: (input) => allowLive(home, apps, input),
        restart: (input) => restartWeb(home, apps, input),
        discover: () => found(context),
      },
      source: { ...sourceProcedures(source, switching), ...wayBack.source },
      target: {
        ...targetProcedures(target, context.info),
        ...wayBack.target,
        endLoans: quiet(async ({ app, migration }) => lending.end(app, migration)),
      },
    },
    authorise: authoriseBy(records, region, (peer, hello) => lending.isLent(peer, hello)),
    handlers: { ...sourceLinks(source), ...targetLinks(target), ...lending.handlers() },
    receiveBuild: async (sha256, archive) => void (await apps.receiveBuild(sha256, archive)),
    async start() {
      await apps.open({ stillClosed: (app) => stillClosed(target, app) });
      await switching.settle();
      await settleTarget(target);
      disk = watchDisk(source, dataFolder);
    },
    async stop({ everything }) {
      disk?.[Symbol.dispose]();
      await target.jobs.stop('');
      await target.endpoints.close('');
      await switching.stop();
      await Promise.all([source.stores.closeAll(), target.stores.closeAll()]);
      await apps.close({ everything });
      router.close();
    },
  };
}

/** On this host, under Docker. */
const found = async ({ region, dockerSocket, engines }: RegionContext) =>
  discover(region, openDocker(region, dockerSocket), await engines());

const engineOf = async ({ engines, region }: RegionContext, containers: ProjectRuntime, name: string) =>
  hosted(await engineNamed(engines, name, region), containers);
