import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { StorkyError } from '../../../../protocol/errors.ts';
import { titleOf } from '../dialect/of-server.ts';
import { type Product, productOf, type Tool } from './product.ts';
import { run } from './run.ts';
import { compareVersions } from './versions.ts';

/** Series whose server can run here, e.g. `10.11`, oldest first. */
export async function installedVersions(engine: string): Promise<string[]> {
  const product = productOf(engine);
  const found = [...(await installations(product))].filter(([, folders]) =>
    (['server', 'install'] as const).every((tool) => findIn(folders, product.tools[tool])),
  );
  return found.map(([series]) => series).sort(compareVersions);
}

/** Path of a tool of exactly this series. Throws `engine_missing`. */
export async function toolPath(engine: string | undefined, version: string, tool: Tool): Promise<string> {
  const product = productOf(engine);
  const path = findIn((await installations(product)).get(version) ?? [], product.tools[tool]);
  if (!path) throw new StorkyError('engine_missing', { region: 'This host', engine: titleOf(product.engine), version });
  return path;
}

/** Series → folders that hold its tools: the system's, then those that the product's variable names (parents of `bin`). */
async function installations(product: Product): Promise<Map<string, string[]>> {
  const parents = (process.env[product.placesVariable] ?? '').split(':').filter(Boolean);
  const found = new Map<string, string[]>();
  for (const places of [['/usr/sbin', '/usr/bin', '/usr/local/bin'], ...parents.map(toolFolders)]) {
    const series = await seriesOf(product, places);
    if (series) found.set(series, [...(found.get(series) ?? []), ...places]);
  }
  return found;
}

const toolFolders = (parent: string) => ['bin', 'sbin', 'scripts'].map((folder) => join(parent, folder));

const known = new Map<string, string>();

async function seriesOf(product: Product, folders: string[]): Promise<string | undefined> {
  const server = findIn(folders, product.tools.server);
  if (!server) return undefined;
  const before = known.get(server);
  if (before) return before;
  const series = product.seriesOf(await run(server, ['--version']).catch(() => ''));
  if (series) known.set(server, series);
  return series;
}

function findIn(folders: string[], tool: string): string | undefined {
  return folders.map((folder) => join(folder, tool)).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
