import { join } from 'node:path';
import type { DatabaseInstance } from '../../contract.ts';
import { nowhere } from '../names.ts';
import { isCopy, type Memory, wasLeft } from './memory.ts';
import { planNamed } from './plans.ts';

export const dataFolder = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'data');
export const pidFile = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'redis.pid');
export const logFile = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'redis.log');
export const usersFile = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'users.acl');

/**
 * While a server is a copy, whatever the app's own persistence: the source forgets nothing that was acknowledged, and after
 * the marker its copy may not either. `everysec` can leave two seconds unwritten when the disk is slow.
 */
export const copySettings = { appendonly: 'yes', appendfsync: 'always' };

/** Written before every start: the plan, or what Storky remembers, may have changed. */
export function serverSettings(
  instance: DatabaseInstance,
  memory: Memory,
  overrides: Record<string, string> = {},
): string {
  const settings: Record<string, string | number> = {
    ...fixed(instance),
    ...ofPlan(instance.plan),
    ...memory.settings,
    ...overrides,
  };
  // From its first moment on, whether its source can be reached or not.
  if (memory.role === 'standby' || wasLeft(memory)) settings.replicaof = `${nowhere.host} ${nowhere.port}`;
  // Not for the sealed alone: told to use a log that it never had, a server comes up empty, and the switch might yet back out.
  if (isCopy(memory)) Object.assign(settings, copySettings);
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${written(name, value)}\n`)
    .join('');
}

function fixed(instance: DatabaseInstance): Record<string, string | number> {
  return {
    bind: '127.0.0.1',
    port: instance.port,
    'protected-mode': 'yes',
    daemonize: 'no',
    dir: dataFolder(instance),
    dbfilename: 'dump.rdb',
    pidfile: pidFile(instance),
    logfile: logFile(instance),
    aclfile: usersFile(instance),
    databases: 16,
    'acllog-max-len': 128,
    'replica-read-only': 'yes',
    'replica-serve-stale-data': 'yes',
    // A copy goes from memory straight to the stream, and begins at once.
    'repl-diskless-sync': 'yes',
    'repl-diskless-sync-delay': 0,
    'repl-backlog-size': '16mb',
    // However long the copy is away: only what does not fit costs a new copy.
    'repl-backlog-ttl': 0,
    // For DEBUG DIGEST-VALUE, with which verification compares values whatever their encoding.
    'enable-debug-command': 'local',
  };
}

function ofPlan(name: string): Record<string, string | number> {
  const plan = planNamed(name);
  return {
    maxmemory: `${plan.memoryMb}mb`,
    'maxmemory-policy': plan.cache ? 'allkeys-lru' : 'noeviction',
    // Room for Storky's own connections on top of the app's.
    maxclients: plan.maxConnections + 20,
    appendonly: plan.cache ? 'no' : 'yes',
    appendfsync: 'everysec',
    save: plan.cache ? '900 1 300 100' : '',
  };
}

/** The list of save points is words of its own; every other value is one word. */
function written(name: string, value: string | number): string {
  const text = String(value);
  if (['save', 'replicaof'].includes(name) && text !== '') return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
