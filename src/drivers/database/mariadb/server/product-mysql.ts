/** MySQL 8.0 (from 8.0.30 on) and 8.4, from its manual. Not run against a real server: see dialect/mysql.ts. */
import type { Product } from './product.ts';

/** Its address is at most so long, with what ends it. Bytes. */
const longestSocket = 107;

/** As MariaDB's servers: what it applies is not in its own log, so nothing can go round. Its numbers carry its own UUID. */
export const mysqlProduct: Product = {
  engine: 'mysql',
  tools: { server: 'mysqld', install: 'mysqld', client: 'mysql', dump: 'mysqldump' },
  placesVariable: 'STORKY_MYSQL_DIRS',
  // MariaDB installs programs of these names too, and says so.
  seriesOf: (version) => {
    if (/mariadb/i.test(version)) return undefined;
    const [, series, patch] = /Ver (\d+\.\d+)\.(\d+)/.exec(version) ?? [];
    return series === '8.4' || (series === '8.0' && Number(patch) >= 30) ? series : undefined;
  },
  install: (data, temporary) => ['--initialize-insecure', `--datadir=${data}`, `--tmpdir=${temporary}`],
  dropFirstAccounts: [`DROP USER IF EXISTS 'root'@'localhost'`],
  section: 'mysqld',
  settings: (instance, _identity, memoryMb) => ({
    socket: socketIn(instance.folder),
    mysqlx: 'OFF',
    secure_file_priv: 'NULL',
    collation_server: 'utf8mb4_0900_ai_ci',
    replica_max_allowed_packet: '1G',
    innodb_redo_log_capacity: `${Math.max(96, Math.floor(memoryMb / 4))}M`,
    gtid_mode: 'ON',
    enforce_gtid_consistency: 'ON',
    // Parts of a JSON value would not be the whole row.
    binlog_row_value_options: '',
    log_replica_updates: 'OFF',
    replica_parallel_workers: 4,
    replica_preserve_commit_order: 'ON',
    replica_net_timeout: 10,
    // Storky starts the stream that is wanted.
    skip_replica_start: 'ON',
    // Tables come as they are.
    sql_require_primary_key: 'OFF',
    sql_generate_invisible_primary_key: 'OFF',
    // Accounts of before go on logging in.
    ...(instance.version === '8.4' ? { mysql_native_password: 'ON' } : {}),
  }),
  login: ['--get-server-public-key'],
  dump: ['--set-gtid-purged=OFF', '--column-statistics=0', '--no-tablespaces'],
  unchecked: [],
  startsStreams: false,
};

/** The server always makes one. */
function socketIn(folder: string): string {
  const path = `${folder}/mysqld.sock`;
  if (Buffer.byteLength(path) > longestSocket) throw new Error(`the path of the socket is too long: ${path}`);
  return path;
}
