import { hostname } from 'node:os';
import type { CheckResult } from '../../protocol/migration.ts';
import type { SourceHome } from '../home.ts';

/** Values that name this host would point the moved app back to it. Only names of variables are told, never values. */
export function namesOldHost(home: SourceHome, app: string, ownHost: string, ownDomain: string): CheckResult[] {
  const { environment } = home.record(app);
  const names = [ownHost, ownDomain, hostname()].filter(
    (name) => name.length > 3 && name !== 'localhost' && !name.startsWith('127.'),
  );
  const telling = Object.entries(environment).filter(([, value]) => names.some((name) => value.includes(name)));
  const base = { id: 'old-host', name: 'The environment does not name the old host' };
  if (telling.length === 0) return [{ ...base, verdict: 'pass', detail: 'no value does', remedy: null }];
  return [
    {
      ...base,
      verdict: 'warn',
      detail: `${telling.map(([name]) => name).join(', ')} ${telling.length === 1 ? 'names' : 'name'} this region`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what the user writes
      remedy: 'Use `${addons.NAME.url}`, `${files.NAME.path}` or a domain of the app, which follow it.',
    },
  ];
}
