import { createHash } from 'node:crypto';
import type { DatabaseInstance } from '../contract.ts';
import { ifAllowed } from './external/refusals.ts';
import { isOurUser } from './names.ts';
import { saveUsers } from './save-users.ts';
import { isCopy, recall, remember } from './server/memory.ts';
import { copySettings } from './server/settings.ts';
import type { Whose } from './ticket.ts';
import { ask, askAll, type Client } from './wire/connect.ts';
import { type Info, infoOf } from './wire/info.ts';

/** What belongs to the data and is not carried by the stream: users with their rights, and settings that change behaviour. */
export interface Surroundings {
  /** Lines of ACL LIST, sorted; passwords are hashes. None where the account may not see them. */
  users: string[];
  settings: Record<string, string>;
}

/** Settings that an app can notice. What depends on the host (addresses, folders, replication) is not among them. */
const carriedSettings = [
  ...['maxmemory', 'maxmemory-policy', 'maxmemory-samples', 'maxmemory-clients', 'maxclients'],
  ...['appendonly', 'appendfsync', 'save', 'timeout', 'notify-keyspace-events', 'busy-reply-threshold'],
  ...['hash-max-listpack-entries', 'hash-max-listpack-value', 'list-max-listpack-size', 'list-compress-depth'],
  ...['set-max-intset-entries', 'zset-max-listpack-entries', 'zset-max-listpack-value', 'hll-sparse-max-bytes'],
  ...['stream-node-max-bytes', 'stream-node-max-entries', 'lfu-log-factor', 'lfu-decay-time'],
  ...['lazyfree-lazy-eviction', 'lazyfree-lazy-expire', 'lazyfree-lazy-server-del', 'lazyfree-lazy-user-del'],
  ...['lazyfree-lazy-user-flush', 'active-expire-effort', 'tracking-table-max-keys', 'proto-max-bulk-len'],
  ...['slowlog-log-slower-than', 'slowlog-max-len', 'latency-monitor-threshold'],
] as const;

/** How a server persists. In a container that is the container's own, on both sides. */
const persistence = ['appendonly', 'appendfsync', 'save'];

/** Of a server that Storky does not run they are as they shall be on one that it runs. */
export async function readSurroundings(client: Client, { administrator, guest }: Whose = {}): Promise<Surroundings> {
  if (administrator !== undefined) return await readForeign(client, administrator);
  const [lines, pairs] = (await askAll(client, [
    ['ACL', 'LIST'],
    ['CONFIG', 'GET', ...carriedSettings],
  ])) as [string[], string[]];
  const settings = recordOf(pairs);
  if (guest) for (const name of persistence) delete settings[name];
  return { users: lines.filter((line) => !isOurUser(nameIn(line))).sort(), settings: sorted(settings) };
}

/** Whatever of it may be seen, without the administrator. */
async function readForeign(client: Client, administrator: string): Promise<Surroundings> {
  const lines = (await ifAllowed(ask<string[]>(client, 'ACL', 'LIST'))) ?? [];
  const pairs = await ifAllowed(ask<string[]>(client, 'CONFIG', 'GET', ...carriedSettings));
  const others = lines.filter((line) => !isOurUser(nameIn(line)) && nameIn(line) !== administrator);
  const settings = pairs ? recordOf(pairs) : saidOf(await infoOf(client, 'memory'));
  return { users: others.map(withoutServer).sort(), settings: sorted(settings) };
}

/** What a server says of its settings to those who may not ask for them. */
const saidOf = ({ maxmemory = '0', maxmemory_policy = 'noeviction' }: Info): Record<string, string> => ({
  maxmemory,
  'maxmemory-policy': maxmemory_policy,
});

/** On a server that Storky runs nobody else may do something with the server itself: lift a pause, or change who replicates. */
function withoutServer(line: string): string {
  const words = line.split(' ');
  const kept = ofServer.split(' ').filter((rule) => words.includes('+@all') || words.includes(rule));
  return [line, '-@admin', ...kept].join(' ');
}

/** Of the administrator's commands those that only tell something. */
export const ofServer = '+config|get +client|list +role +lastsave +slowlog|get +slowlog|len';

const recordOf = (pairs: string[]): Record<string, string> =>
  Object.fromEntries(pairs.flatMap((name, n) => (n % 2 === 0 ? [[name, pairs[n + 1]!]] : [])));

export function digestOf({ users, settings }: Surroundings): string {
  return createHash('sha256')
    .update(JSON.stringify([users.map(canonical).sort(), sorted(settings)]))
    .digest('hex');
}

/**
 * Makes this server's surroundings those, for after a restart too. Changes only what differs: sessions that are there stay.
 * Nothing of a side where nobody may log in: it was sealed since, and whoever took that over would be shut for the app too.
 */
export async function takeOver(instance: DatabaseInstance, client: Client, there: Surroundings): Promise<void> {
  if (there.users.length > 0 && !there.users.some(mayLogIn)) return;
  const memory = recall(instance);
  // A sealed side stays shut, for users too that were made on the other one since.
  const wanted = memory.role === 'sealed' ? { ...there, users: there.users.map(shut) } : there;
  remember(instance, (memory) => {
    memory.settings = wanted.settings;
    if (memory.role === 'sealed') memory.sealed = there.users.filter(mayLogIn).map(nameIn);
  });
  const here = await readSurroundings(client);
  const now = { ...wanted.settings, ...(isCopy(memory) && !instance.guest ? copySettings : {}) };
  const settings = Object.entries(now).filter(([name, value]) => here.settings[name] !== value);
  for (const [name, value] of settings) await ask(client, 'CONFIG', 'SET', name, value);
  if (there.users.length === 0) return;
  const known = new Set(here.users.map(canonical));
  const lines = wanted.users.filter((line) => !known.has(canonical(line)));
  for (const line of lines) await ask(client, 'ACL', 'SETUSER', nameIn(line), 'reset', ...line.split(' ').slice(2));
  const kept = new Set(wanted.users.map(nameIn));
  const gone = here.users.map(nameIn).filter((name) => !kept.has(name) && name !== 'default');
  if (gone.length > 0) await ask(client, 'ACL', 'DELUSER', ...gone);
  if (lines.length + gone.length > 0) await saveUsers(instance, client);
}

/** `user NAME on …` */
export const nameIn = (line: string): string => line.split(' ')[1]!;
export const mayLogIn = (line: string): boolean => line.split(' ')[2] === 'on';
const shut = (line: string): string => line.replace(/^(user \S+) on /, '$1 off ');

/**
 * For comparing. Every start of a server lists the single commands of a user in another order, while that of the categories
 * has a meaning; and what is so by default is listed where it was once said.
 */
export function canonical(line: string): string {
  const words = line.split(' ').filter((word) => word !== 'sanitize-payload');
  const single = (word: string) => /^[+-][^@]/.test(word);
  return [...words.filter((word) => !single(word)), ...words.filter(single).sort()].join(' ');
}

const sorted = (settings: Record<string, string>) =>
  Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
