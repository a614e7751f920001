import type { Stray } from '../../../../protocol/migration.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { straysOf } from '../../strays.ts';
import { logTail } from '../server/log-tail.ts';

/** `2026-01-31 12:00:00.000 UTC [17] client backend 28000 127.0.0.1(4711): FATAL:  role "shop" is not permitted to log in` */
const line = /^(\S+ \S+) UTC \[\d+\] .* 28000 (\S+): FATAL:\s+role "(.+)" is not permitted to log in$/;

/** Who wanted in since the seal. The server's log is the only place where it is told. */
export function straysSince(instance: DatabaseInstance, since: number): Stray[] {
  const refused = logTail(instance, 256 * 1024)
    .map((text) => line.exec(text))
    .filter((match) => match !== null)
    .map(([, at, from, who]) => ({ at: Date.parse(`${at!.replace(' ', 'T')}Z`), from: from!, who: who! }));
  return straysOf(refused, since);
}
