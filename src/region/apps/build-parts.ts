import { type AppParts, buildCollector } from './app-parts.ts';
import { AppStore } from './app-store.ts';
import type { AppsOptions } from './apps.ts';
import { Builds } from './builds.ts';
import { Databases } from './databases.ts';
import { Environments } from './environment.ts';
import { Gates } from './gates.ts';
import type { HostNames } from './hosts.ts';
import { Releases } from './releases.ts';
import { noWay, RemoteAddons } from './remote-addons.ts';
import { Runner } from './runner.ts';

export function buildParts(options: AppsOptions, names: HostNames): AppParts {
  const { dataFolder, region, domain, router, runtime, remoteWay = noWay, drainMs = 2000 } = options;
  const store = new AppStore(dataFolder, region);
  const builds = new Builds(store.paths.builds);
  const releases = new Releases(store.paths, builds);
  const databases = new Databases(store, options.engines, region);
  const remotes = new RemoteAddons(store, remoteWay);
  const environments = new Environments(store.paths, databases, region);
  const runner = new Runner({ store, releases, environments, runtime, router, region, domain, drainMs });
  const gates = new Gates(router, store, names, (app) => runner.upstreams(app));
  const collectBuild = buildCollector(store, builds);
  return { store, builds, releases, databases, remotes, environments, gates, runner, region, domain, collectBuild };
}
