/**
 * Programs that tests, demo and benches run for real. `probe`: one of these paths (a `*` stands for one folder name)
 * exists where the package is installed. Without a `needed` one hardly anything can be tested; the others serve single
 * tests or are peers in a bench.
 */
export const systemPackages = [
  { name: 'postgresql', probe: ['/usr/lib/postgresql/*/bin/initdb'], needed: true },
  { name: 'postgresql-contrib', probe: ['/usr/share/postgresql/*/extension/pg_trgm.control'], needed: true },
  { name: 'mariadb-server', probe: ['/usr/sbin/mariadbd'] },
  { name: 'redis-server', probe: ['/usr/bin/redis-server'] },
  { name: 'mydumper', probe: ['/usr/bin/mydumper'] },
  { name: 'rsync', probe: ['/usr/bin/rsync'] },
  { name: 'pgcopydb', probe: ['/usr/bin/pgcopydb'] },
  { name: 'nginx-light', probe: ['/usr/sbin/nginx'] },
  { name: 'caddy', probe: ['/usr/bin/caddy'] },
  { name: 'haproxy', probe: ['/usr/sbin/haproxy'] },
  { name: 'wrk', probe: ['/usr/bin/wrk'] },
  { name: 'iproute2', probe: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'] },
  { name: 'iptables', probe: ['/usr/sbin/iptables', '/sbin/iptables'] },
  { name: 'nftables', probe: ['/usr/sbin/nft', '/sbin/nft'] },
  { name: 'openssh-server', probe: ['/usr/sbin/sshd'] },
  { name: 'openssh-client', probe: ['/usr/bin/ssh'] },
  { name: 'docker.io', probe: ['/usr/sbin/dockerd', '/usr/bin/dockerd'] },
  { name: 'docker-compose', probe: ['/usr/bin/docker-compose'] },
  { name: 'debootstrap', probe: ['/usr/sbin/debootstrap'] },
  { name: 'strace', probe: ['/usr/bin/strace'] },
  { name: 'curl', probe: ['/usr/bin/curl'] },
];
