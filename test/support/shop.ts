import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, type Spawned, spawnForTest } from './spawned.ts';

const folder = join(projectRoot, 'examples/shop');

interface ShopOptions {
  databaseUrl: string;
  uploads: string;
  region?: string;
}

/** The shop's programs as they are, without Storky around them; they end with the test. */
export function shopProgram(name: 'web' | 'worker' | 'totals' | 'pending-migrations', options: ShopOptions): Spawned {
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: options.databaseUrl,
    UPLOADS: options.uploads,
    REGION_NAME: options.region ?? 'here',
  };
  return spawnForTest(process.execPath, [`${name}.js`], { cwd: folder, env });
}

export async function startShopWeb(options: ShopOptions): Promise<{ url: string; web: Spawned }> {
  const web = shopProgram('web', options);
  const [, port] = await web.says(/listening on (\d+)/);
  return { url: `http://127.0.0.1:${port}`, web };
}

/** A copy of the shop's sources to `apply` from, without dependencies: tests that must not need a registry add them by `npm ci`. */
export function copyOfShop(to: string): string {
  cpSync(folder, to, { recursive: true, filter: (path) => !/\/(node_modules|uploads)$/.test(path) });
  return to;
}
