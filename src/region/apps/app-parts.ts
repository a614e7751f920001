import type { Build } from '../../protocol/app-record/parts.ts';
import type { AppRunner } from './app-runner.ts';
import type { AppStore } from './app-store.ts';
import type { Builds } from './builds.ts';
import type { Databases } from './databases.ts';
import type { Environments } from './environment.ts';
import type { Gates } from './gates.ts';
import type { Projects } from './projects/projects.ts';
import type { Releases } from './releases.ts';
import type { RemoteAddons } from './remote-addons.ts';

/** What the operations on apps work with. */
export interface AppParts {
  store: AppStore;
  builds: Builds;
  releases: Releases;
  databases: Databases;
  remotes: RemoteAddons;
  environments: Environments;
  gates: Gates;
  runner: AppRunner;
  projects: Projects;
  region: string;
  domain: string;
  /** Removes the archive where no app of this region refers to it. */
  collectBuild(build: Build | null): void;
}

export function buildCollector(store: AppStore, builds: Builds): AppParts['collectBuild'] {
  return (build) => {
    if (build?.kind !== 'archive') return;
    const { documents, unreadable } = store.all();
    const used = documents.some(
      ({ record: { build: other } }) => other?.kind === 'archive' && other.sha256 === build.sha256,
    );
    if (!used && unreadable.length === 0) builds.remove(build.sha256);
  };
}
