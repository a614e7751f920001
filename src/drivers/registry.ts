import { existsSync, readdirSync } from 'node:fs';
import type { DatabaseEngine } from './database/contract.ts';
import { sparing } from './database/sparing.ts';

const folder = new URL('./database/', import.meta.url);
/** `.ts` in a clone, `.js` in an installed package: as this file. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

let loaded: Promise<DatabaseEngine[]> | undefined;

/**
 * Every engine there is: each folder of `database/` with an `engine.ts` that exports `engine`, or `engines` where one folder
 * has several that are alike. Found by looking, so that an engine is added by adding its folder; loaded on the first call,
 * since their clients are heavy.
 */
export function databaseEngines(): Promise<DatabaseEngine[]> {
  loaded ??= Promise.all(engineFolders().map(load)).then((engines) => engines.flat());
  return loaded;
}

function engineFolders(): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/engine${extension}`, folder)))
    .map((entry) => entry.name)
    .sort();
}

async function load(name: string): Promise<DatabaseEngine[]> {
  const { engine, engines } = (await import(new URL(`${name}/engine${extension}`, folder).href)) as {
    engine?: DatabaseEngine;
    engines?: DatabaseEngine[];
  };
  const found = engines ?? (engine ? [engine] : []);
  if (found.length === 0) throw new Error(`drivers/database/${name}/engine${extension} exports no engine`);
  return found.map(sparing);
}
