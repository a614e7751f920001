import { engineNamed } from '../engine-named.ts';
import { type AppParts, buildCollector } from './app-parts.ts';
import { runnerOf } from './app-runner.ts';
import { AppStore } from './app-store.ts';
import type { AppsOptions } from './apps.ts';
import { Builds } from './builds.ts';
import { Databases } from './databases.ts';
import { Environments } from './environment.ts';
import { Gates } from './gates.ts';
import type { HostNames } from './hosts.ts';
import { hosted } from './projects/hosted.ts';
import { ProjectGates } from './projects/project-gates.ts';
import { ProjectRunner } from './projects/project-runner.ts';
import { Projects } from './projects/projects.ts';
import { Releases } from './releases.ts';
import { noWay, RemoteAddons } from './remote-addons.ts';
import { Runner } from './runner.ts';

export function buildParts(options: AppsOptions, names: HostNames): AppParts {
  const { dataFolder, region, domain, router, runtime, remoteWay = noWay, drainMs = 2000, containers } = options;
  const store = new AppStore(dataFolder, region);
  const builds = new Builds(store.paths.builds);
  const releases = new Releases(store.paths, builds);
  const engines = async () => (await options.engines()).map((engine) => hosted(engine, containers));
  const databases = new Databases(store, engines, region);
  const remotes = new RemoteAddons(store, remoteWay);
  const environments = new Environments(store.paths, databases, region);
  const processes = new Runner({ store, releases, environments, runtime, router, region, domain, drainMs });
  const projectGates = new ProjectGates(store, (app) => gates.showBehind(app));
  const projectRunner = new ProjectRunner({ store, runtime: containers, gates: projectGates, region });
  const runner = runnerOf(store, processes, projectRunner);
  const behind = (app: string) => ({ upstreams: runner.upstreams(app), entries: runner.entries(app) });
  const gates: Gates = new Gates(router, store, names, behind);
  const engine = (name: string) => engineNamed(engines, name, region);
  const databaseMoved = options.databaseMoved ?? (async () => {});
  const projects = new Projects({
    databaseMoved,
    store,
    runtime: containers,
    gates: projectGates,
    runner: projectRunner,
    region,
    engine,
  });
  const collectBuild = buildCollector(store, builds);
  const kept = { store, builds, releases, databases, remotes, environments };
  return { ...kept, gates, runner, projects, region, domain, collectBuild };
}
