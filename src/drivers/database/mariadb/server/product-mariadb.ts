import type { Product } from './product.ts';
import { compareVersions } from './versions.ts';

/**
 * Each server has a GTID domain of its own and does not write what it applies to its own binary log. So the log of a
 * server holds its own writes and nothing else, numbers in a domain always grow, strict mode always holds, and a stream
 * in the other direction can never bring a change back to where it came from.
 */
export const mariadbProduct: Product = {
  engine: 'mariadb',
  tools: { server: 'mariadbd', install: 'mariadb-install-db', client: 'mariadb', dump: 'mariadb-dump' },
  placesVariable: 'STORKY_MARIADB_DIRS',
  seriesOf: (version) => {
    const series = /Ver (\d+\.\d+)\.\d+-MariaDB/.exec(version)?.[1];
    return series && compareVersions(series, '10.5') >= 0 ? series : undefined;
  },
  install: (data, temporary) => [
    `--datadir=${data}`,
    `--tmpdir=${temporary}`,
    '--innodb-log-file-size=16M',
    '--skip-test-db',
    '--skip-name-resolve',
    '--auth-root-authentication-method=normal',
  ],
  dropFirstAccounts: [
    `DELETE FROM mysql.global_priv WHERE User IN ('root', 'mysql', '')`,
    `DELETE FROM mysql.proxies_priv WHERE User IN ('root', 'mysql', '')`,
    'FLUSH PRIVILEGES',
  ],
  section: 'mariadbd',
  settings: (_instance, { domainId }, memoryMb) => ({
    // TCP on loopback only: no path of a socket that could be too long, nothing for another account to open.
    socket: '',
    collation_server: 'utf8mb4_general_ci',
    slave_max_allowed_packet: '1G',
    innodb_log_file_size: `${Math.max(96, Math.floor(memoryMb / 4))}M`,
    gtid_domain_id: domainId,
    gtid_strict_mode: 'ON',
    log_slave_updates: 'OFF',
    slave_parallel_threads: 4,
    // A cut link is found and mended fast, however long it takes.
    slave_net_timeout: 10,
    // 0 is documented as `for ever`, but some retries count it as none.
    master_retry_count: 1_000_000_000,
  }),
  login: [],
  dump: [],
  unchecked: ['check_constraint_checks'],
  startsStreams: true,
};
