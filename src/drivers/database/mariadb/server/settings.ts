import type { DatabaseInstance } from '../../contract.ts';
import { planNamed } from './plans.ts';
import { productOf, type Settings } from './product.ts';
import type { Role } from './role.ts';

/** What tells this server apart from every other in the world, made once for each. */
export interface Identity {
  serverId: number;
  domainId: number;
}

/**
 * Written before every start: the plan or the role may have changed.
 */
export function serverSettings(
  instance: DatabaseInstance,
  identity: Identity,
  role: Role,
  expirySeconds: number,
): string {
  const product = productOf(instance.engine);
  const { folder } = instance;
  const { memoryMb, maxConnections } = planNamed(instance.plan);
  const passive = role === 'standby' || role === 'sealed';
  return settingLines(product.section, {
    datadir: `${folder}/data`,
    // Its own: another account's folder for temporary files may be closed to it.
    tmpdir: `${folder}/tmp`,
    pid_file: pidFile(instance),
    log_error: `${folder}/log/error.log`,
    init_file: `${folder}/init.sql`,
    bind_address: '127.0.0.1',
    port: instance.port,
    skip_name_resolve: 'ON',
    character_set_server: 'utf8mb4',
    // Room for Storky's own connections on top of the app's.
    max_connections: maxConnections + 20,
    max_allowed_packet: '1G',
    innodb_buffer_pool_size: `${Math.floor(memoryMb / 2)}M`,
    // For each index that is filled at once, in the copy: fewer runs to merge.
    innodb_sort_buffer_size: '8M',
    // What was acknowledged is on the disk, in the tables and in the log that the other side reads.
    innodb_flush_log_at_trx_commit: 1,
    sync_binlog: 1,
    log_bin: 'binlog',
    binlog_format: 'ROW',
    binlog_row_image: 'FULL',
    // With the log on, only SUPER could make triggers and functions; what they do is logged by row, so anybody may.
    log_bin_trust_function_creators: 'ON',
    binlog_expire_logs_seconds: expirySeconds,
    max_binlog_size: '256M',
    server_id: identity.serverId,
    relay_log: 'relay',
    relay_log_recovery: 'ON',
    local_infile: 'ON',
    // On the passive side nothing writes by itself, and nobody else may.
    event_scheduler: passive ? 'OFF' : 'ON',
    read_only: passive ? 'ON' : 'OFF',
    ...product.settings(instance, identity, memoryMb),
  });
}

export const pidFile = ({ folder, engine }: Pick<DatabaseInstance, 'folder' | 'engine'>): string =>
  `${folder}/${productOf(engine).tools.server}.pid`;

function settingLines(section: string, settings: Settings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(String(value))}\n`);
  return `[${section}]\n${lines.join('')}`;
}

const quoted = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
