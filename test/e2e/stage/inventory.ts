import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inventory, structure } from '../../../src/drivers/database/postgres/testing/catalog-inventory.ts';
import { sql } from './database.ts';
import { processesUnder } from './processes-under.ts';
import type { Region } from './region.ts';

/** What a region consists of, in words. Two inventories are equal when nothing was added, changed or left behind. */
export interface Inventory {
  files: string[];
  processes: string[];
  ports: string[];
  gates: unknown[];
  document: unknown;
  catalog: string[];
  structure: string;
  settings: unknown[];
}

export async function inventoryOf(region: Region): Promise<Inventory> {
  const present = region.exists('shop');
  const admin = present ? region.databaseUrl('shop', 'admin') : undefined;
  return {
    files: filesOf(region.folder, region.folder),
    processes: processesOf(region),
    ports: portsOf(region),
    gates: await region.router(async (router) => (await router.status()).gates.map(({ gate }) => gate)),
    document: present ? region.document('shop') : null,
    catalog: admin ? await catalogOf(admin) : [],
    structure: present ? await structure(region.document('shop').instances[0] as Parameters<typeof structure>[0]) : '',
    settings: admin
      ? await sql(admin, `SELECT name, setting FROM pg_settings WHERE name !~ '^lc_|_memory_size' ORDER BY 1`)
      : [],
  };
}

async function catalogOf(url: string): Promise<string[]> {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await inventory(client);
  } finally {
    await client.end();
  }
}

/** Made at their first use, and kept; what a migration puts there is listed. */
const ofTheAgent = ['reserve', 'migrations/', 'trees/', 'router/state.json.certificates'];

/** Paths, but for logs, what visitors upload, and the inner life of databases and packages. */
function filesOf(folder: string, root: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return [relative(root, path)];
      const inner = /^(logs?|node_modules|data|uploads)$/.test(entry.name) && !path.includes('/trees/');
      return [`${relative(root, path)}/`, ...(inner ? [] : filesOf(path, root))];
    })
    .filter((path) => !path.endsWith('.log') && !ofTheAgent.includes(path))
    .sort();
}

/** Commands, each as often as it runs. A database's own come and go with its clients, and the scheduled one with the minute. */
const processesOf = ({ folder }: Region): string[] =>
  processesUnder(folder)
    .map(({ command }) => command)
    .filter((command) => command !== '' && !/^postgres: |totals\.js/.test(command))
    .sort();

function portsOf({ folder }: Region): string[] {
  const pids = new Set(processesUnder(folder).map(({ pid }) => pid));
  return execFileSync('ss', ['-Hltnp'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => [...line.matchAll(/pid=(\d+)/g)].some(([, pid]) => pids.has(Number(pid))))
    .map((line) => line.trim().split(/\s+/)[3]!)
    .sort();
}
