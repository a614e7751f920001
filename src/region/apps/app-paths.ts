import { join } from 'node:path';

/** Where everything of one app is, below the agent's data folder. */
export class AppPaths {
  readonly root: string;
  readonly builds: string;

  constructor(dataFolder: string) {
    this.root = join(dataFolder, 'apps');
    this.builds = join(dataFolder, 'builds');
  }

  folder = (app: string): string => join(this.root, app);
  document = (app: string): string => join(this.folder(app), 'app.json');
  epoch = (app: string): string => join(this.folder(app), 'epoch.json');
  processes = (app: string): string => join(this.folder(app), 'processes.json');
  logs = (app: string): string => join(this.folder(app), 'logs');
  releases = (app: string): string => join(this.folder(app), 'releases');
  trees = (app: string): string => join(this.folder(app), 'files');
  tree = (app: string, name: string): string => join(this.trees(app), name);
  database = (app: string, addon: string): string => join(this.folder(app), 'databases', addon);
}
