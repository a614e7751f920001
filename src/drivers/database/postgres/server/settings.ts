import { existsSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseInstance } from '../../contract.ts';
import { planNamed } from './plans.ts';

const gigabyte = 1024 ** 3;

/** Written before every start: the plan, or the disk's room, may have changed. */
export function serverSettings(instance: DatabaseInstance): string {
  const plan = planNamed(instance.plan);
  return settingLines({
    listen_addresses: '127.0.0.1',
    port: instance.port,
    // TCP on loopback only: no path of a socket that could be too long, nothing for another account to open.
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    // Room for Storky's own connections on top of the app's.
    max_connections: plan.maxConnections + 20,
    superuser_reserved_connections: 10,
    shared_buffers: `${Math.max(32, Math.floor(plan.memoryMb / 4))}MB`,
    effective_cache_size: `${Math.floor(plan.memoryMb * 0.75)}MB`,
    wal_level: 'logical',
    max_wal_senders: 10,
    max_replication_slots: 10,
    max_logical_replication_workers: 6,
    max_worker_processes: 16,
    // The fence locks every table in one transaction, partitions included.
    max_locks_per_transaction: 512,
    // A slot must never fill the disk (a lost slot costs a new copy; a full disk costs the app).
    max_slot_wal_keep_size: `${slotRoomMb(instance.folder)}MB`,
    // A cut link is found and mended fast.
    wal_retrieve_retry_interval: '500ms',
    wal_sender_timeout: '30s',
    wal_receiver_timeout: '30s',
    // With the kind of process, the error's code and the client: what a stream's worker says, and who was refused, is read back.
    log_line_prefix: '%m [%p] %b %e %r: ',
    log_timezone: 'UTC',
    logging_collector: 'on',
    log_directory: `${instance.folder}/log`,
    log_filename: 'postgresql-%a.log',
    log_truncate_on_rotation: 'on',
    log_rotation_age: '1d',
    log_rotation_size: 0,
    ...(bulkLoading(instance) ? bulkSettings : {}),
  });
}

export const bulkMark = (instance: Pick<DatabaseInstance, 'folder'>) => join(instance.folder, 'bulk-load');
export const bulkLoading = (instance: Pick<DatabaseInstance, 'folder'>) => existsSync(bulkMark(instance));

/** See bulk-load.ts: what is written may be lost with a crash, and nothing is written twice. */
const bulkSettings = {
  // A table that is emptied, and an index that is built, in the transaction that fills it needs no log.
  wal_level: 'minimal',
  max_wal_senders: 0,
  fsync: 'off',
  full_page_writes: 'off',
  // A crash ends the server, so that it is seen.
  restart_after_crash: 'off',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  autovacuum: 'off',
};

/** Loopback only, and never without a password. */
export const accessRules =
  'host all all 127.0.0.1/32 scram-sha-256\nhost replication storky_admin 127.0.0.1/32 scram-sha-256\n';

function slotRoomMb(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return Math.max(256, Math.floor(Math.min((bavail * bsize) / 3, 64 * gigabyte) / 1024 ** 2));
}

function settingLines(settings: Record<string, string | number>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join('');
}
