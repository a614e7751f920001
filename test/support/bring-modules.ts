import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './spawned.ts';

/** Gives a test's app the packages that this project has itself, with what they need, so that no registry is asked. */
export function bringModules(appFolder: string, ...names: string[]): void {
  const brought = new Set<string>();
  for (const name of names) bring(name, join(appFolder, 'node_modules'), brought);
}

function bring(name: string, to: string, brought: Set<string>): void {
  const from = join(projectRoot, 'node_modules', name);
  if (brought.has(name) || !existsSync(from)) return;
  brought.add(name);
  mkdirSync(to, { recursive: true });
  cpSync(from, join(to, name), { recursive: true });
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  for (const other of Object.keys(dependencies)) bring(other, to, brought);
}
