import { readFileSync } from 'node:fs';

/** The package's own; the CLI runs from `src/cli` or `dist/cli`, both two folders below it. */
export function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}
