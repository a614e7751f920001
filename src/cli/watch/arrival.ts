import { switchesMade } from '../../migration/moving.ts';
import type { Migration } from '../../protocol/migration.ts';
import type { Context } from '../context.ts';
import { dnsLines } from './dns.ts';
import { numbersText } from './numbers.ts';
import { asLastSwitched } from './sides.ts';

/**
 * What is told when the app has arrived, over there or back again: the numbers, its address, and DNS. The app is looked up
 * by the name that it has where it arrived. What cannot be asked any more is left out: the move itself is over.
 */
export async function arrivalText(context: Context<'server'>, migration: Migration): Promise<string> {
  const { api } = context.server;
  const { paint } = context;
  const { srcAppName, dstAppName, source, destination } = asLastSwitched(migration);
  const [gate, app, regions] = await Promise.all([
    api.apps.metrics({ app: srcAppName, region: source }).catch(() => null),
    api.apps.get({ app: dstAppName, region: destination }).catch(() => null),
    api.regions.list().catch(() => []),
  ]);
  const host = regions.find((region) => region.name === destination)?.address?.host;
  const domains = app?.record.domains.map((domain) => domain.name) ?? [];
  return [
    `${paint.green('✔')} ${paint.bold(dstAppName)} is served by ${paint.bold(destination)}${switchesMade(migration) > 1 ? ' again' : ''}${app ? `: ${app.url}` : '.'}`,
    `  ${source} forwards what still arrives there, until the app is removed there.`,
    numbersText(migration, gate?.metrics.forwarded ?? null, paint),
    ...(host && domains.length ? [paint.bold('DNS'), ...dnsLines(domains, host).map((line) => `  ${line}`)] : []),
  ]
    .filter(Boolean)
    .join('\n');
}
