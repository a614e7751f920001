import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { checkRights } from '../external/rights.ts';
import { ask, type Client } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';
import { freeMemoryBytes } from './sizes.ts';

/** The prerequisites of `live`, each with its remedy. */
export async function checkSource(client: Client, instance: DatabaseInstance): Promise<Finding[]> {
  const { external } = instance;
  const info = await infoOf(client);
  const modules = external ? [info.module].filter(Boolean) : await ask<unknown[]>(client, 'MODULE', 'LIST');
  const used = Number(info.used_memory);
  const free = freeMemoryBytes();
  const evicts = info.maxmemory_policy !== 'noeviction' && Number(info.maxmemory) > 0;
  const written = info.rdb_last_bgsave_status === 'ok' && info.aof_last_bgrewrite_status === 'ok';
  const ofHost = (): Finding =>
    finding(
      'memory',
      free < used && (free < used / 2 ? 'fail' : 'warn'),
      `${megabytes(used)} used, ${megabytes(free)} free`,
      'The copy is made by a fork, which needs as much memory as is changed meanwhile: make some free.',
    );
  return [
    finding(
      'standalone',
      info.cluster_enabled === '1' && 'fail',
      info.cluster_enabled === '1' ? 'it is a cluster' : 'it is one server',
      'Clusters are not moved: use the carrier `manual`.',
    ),
    finding(
      'master',
      info.role !== 'master' && 'fail',
      `its role is ${info.role}`,
      'Move the master, not its replica.',
    ),
    finding(
      'modules',
      modules.length > 0 && 'fail',
      modules.length > 0 ? `${modules.length} modules` : 'no modules',
      'Types of modules are not moved: use the carrier `manual`.',
    ),
    ...(external ? await checkRights(client, instance) : [ofHost()]),
    finding(
      'persistence',
      !written && 'warn',
      written ? 'the last snapshot and log were written' : 'the last snapshot or log could not be written',
      'Look at the log of the server; the copy itself needs neither.',
    ),
    finding(
      'eviction',
      evicts && 'warn',
      `maxmemory-policy is ${info.maxmemory_policy}`,
      'It goes on dropping keys while it is followed, and the copy drops the same ones.',
    ),
  ];
}

const finding = (id: string, bad: false | 'warn' | 'fail', detail: string, remedy: string): Finding => ({
  id,
  verdict: bad || 'pass',
  detail,
  remedy: bad ? remedy : null,
});

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
