import type { DatabaseEngine } from '../drivers/database/contract.ts';
import { StorkyError } from '../protocol/errors.ts';

/** @throws StorkyError engine_missing */
export async function engineNamed(
  engines: () => Promise<DatabaseEngine[]>,
  name: string,
  region: string,
  version: string | null = null,
): Promise<DatabaseEngine> {
  const engine = (await engines()).find((known) => known.engine === name);
  if (!engine) throw new StorkyError('engine_missing', { region, engine: name, version: version ?? '' });
  return engine;
}
