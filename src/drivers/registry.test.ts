import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { databaseEngines } from './registry.ts';

test('every folder with an engine is found, each under a name of its own', async () => {
  const database = new URL('./database/', import.meta.url);
  const folders = readdirSync(database).filter((name) => existsSync(new URL(`${name}/engine.ts`, database)));
  const engines = await databaseEngines();
  expect(new Set(engines.map(({ engine }) => engine)).size).toBe(engines.length);
  expect(engines.length).toBeGreaterThanOrEqual(folders.length);
  for (const engine of engines) expect(engine.plans().length).toBeGreaterThan(0);
});
