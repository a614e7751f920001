import { cpSync, globSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';

/** Copies every log below the folder, of the databases too, to where they outlive it; the path of the copy. */
export function keepLogs(folder: string, outside: string): string {
  const kept = mkdtempSync(join(outside, 'storky-logs-'));
  for (const name of globSync('**/*.log', { cwd: folder })) cpSync(join(folder, name), join(kept, name));
  return kept;
}
