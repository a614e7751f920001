import { StorkyError } from '../../../../protocol/errors.ts';
import type { Dialect, ServerName } from './dialect.ts';
import { mariadb } from './mariadb.ts';
import { mysql } from './mysql.ts';

const dialects = { '8.0': mysql('8.0'), '8.4': mysql('8.4') };
const titles: Record<ServerName, string> = { mariadb: mariadb.title, mysql: dialects['8.4'].title };

/** For people. */
export const titleOf = (engine: string): string => titles[engine as ServerName] ?? engine;

/** By what a server says of itself when it greets. Throws `engine_refused` for one that is not the one that was expected. */
export function dialectOf(greeting: string, expected?: string): Dialect {
  const found = known(greeting);
  if (!found) throw refused(greeting, 'is neither MariaDB nor a MySQL that Storky knows (8.0 from 8.0.30 on, 8.4)');
  if (expected !== undefined && found.server !== expected)
    throw refused(
      greeting,
      `is ${found.title}, and ${titleOf(expected)} was expected: they cannot stand in for each other`,
    );
  return found;
}

function known(greeting: string): Dialect | undefined {
  // Some versions put 5.5.5- in front, for clients that are older than they.
  if (/mariadb/i.test(greeting)) return mariadb;
  const [, series, patch] = /^(\d+\.\d+)\.(\d+)/.exec(greeting) ?? [];
  if (series === '8.0' && Number(patch) >= 30) return dialects['8.0'];
  return series === '8.4' ? dialects['8.4'] : undefined;
}

const refused = (greeting: string, why: string) =>
  new StorkyError('engine_refused', {
    engine: 'The database server',
    detail: `what answers (${greeting}) ${why}`,
    hint: 'Move it by hand: dump it, and load the dump on the other side.',
  });
