import { join } from 'node:path';
import { treeSource, treeTarget, treeWayBack } from '../drivers/files/tree.ts';
import type { SourceStore, TargetStore, WayBack } from '../drivers/store.ts';
import { StorkyError } from '../protocol/errors.ts';
import type { SourceHome, TargetHome } from './home.ts';

export interface StoreName {
  name: string;
  kind: 'database' | 'files';
}

type Known = Pick<SourceHome, 'record' | 'remotes'>;

/** Every store of the app that this region has, in the record's order. What it uses in another is that one's. */
export function storesOf(home: Known, app: string): StoreName[] {
  const { addons, files } = home.record(app);
  const elsewhere = home.remotes(app).map(({ addon }) => addon);
  const here = addons.filter(({ name }) => !elsewhere.includes(name));
  return [
    ...here.map(({ name }) => ({ name, kind: 'database' as const })),
    ...files.map(({ name }) => ({ name, kind: 'files' as const })),
  ];
}

export function storeOf(home: Known, app: string, name: string): StoreName {
  const store = storesOf(home, app).find((known) => known.name === name);
  if (!store) throw new StorkyError('unknown_addon', { app, name });
  return store;
}

export async function openSource(
  home: SourceHome,
  stateFolder: string,
  app: string,
  name: string,
): Promise<SourceStore> {
  if (storeOf(home, app, name).kind === 'files') return treeSource(tree(home, stateFolder, app, name));
  const { engine, instance } = await home.database(app, name);
  return engine.source(instance);
}

export async function openTarget(
  home: TargetHome,
  stateFolder: string,
  app: string,
  name: string,
): Promise<TargetStore> {
  if (storeOf(home, app, name).kind === 'files') return treeTarget(tree(home, stateFolder, app, name));
  const { engine, instance } = await home.database(app, name);
  return engine.target(instance);
}

export async function openWayBack(home: TargetHome, stateFolder: string, app: string, name: string): Promise<WayBack> {
  if (storeOf(home, app, name).kind === 'files') return treeWayBack(tree(home, stateFolder, app, name));
  const { engine, instance } = await home.database(app, name);
  return engine.wayBack(instance);
}

function tree(home: Pick<SourceHome, 'record' | 'treePath'>, stateFolder: string, app: string, name: string) {
  const { ignore } = home.record(app).files.find((known) => known.name === name)!;
  return { root: home.treePath(app, name), ignore, stateFolder: join(stateFolder, 'trees', `${app}.${name}`) };
}
