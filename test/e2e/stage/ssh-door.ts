import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnForTest } from '../../support/spawned.ts';
import type { ComposeHost, Own } from './compose-hosts.ts';

/** How a user gets to hosts of a network: an SSH configuration with his key, and what he types for each. */
export interface SshDoors {
  config: string;
  destinations: string[];
}

/**
 * Opens sshd on Docker hosts, for root, by a key. Whoever logs in finds a machine of its own: its Docker where Docker
 * usually is, no systemd, and folders in which nothing of this machine is seen or changed.
 */
export async function openSshDoors(hosts: ComposeHost[], own: Own): Promise<SshDoors> {
  const folder = join(own.folder, 'ssh');
  mkdirSync(folder, { mode: 0o700 });
  makeKey(join(folder, 'user'));
  const known: string[] = [];
  for (const host of hosts) {
    const key = join(folder, host.name);
    makeKey(key);
    known.push(`${host.address} ${readFileSync(`${key}.pub`, 'utf8')}`);
    await listenOn(host, folder, own);
  }
  writeFileSync(join(folder, 'known_hosts'), known.join(''));
  const config = join(folder, 'config');
  writeFileSync(config, userConfig(folder));
  return { config, destinations: hosts.map(({ address }) => `ssh://root@${address}`) };
}

async function listenOn(host: ComposeHost, folder: string, own: Own): Promise<void> {
  const machine = join(own.folder, `machine-${host.name}`);
  mkdirSync(join(machine, 'storky'), { recursive: true, mode: 0o755 });
  const config = join(folder, `sshd-${host.name}`);
  writeFileSync(config, sshdConfig(folder, host.name));
  const covers = [
    'mkdir -p /var/lib/storky',
    `mount --bind '${machine}/storky' /var/lib/storky`,
    'mount -t tmpfs none /root',
    ...(existsSync('/var/spool/cron') ? ['mount -t tmpfs none /var/spool/cron'] : []),
    'mount -t tmpfs none /run',
    'mkdir -m 755 /run/sshd',
    `ln -s '${host.daemon.socket}' /run/docker.sock`,
    `exec /usr/sbin/sshd -D -e -f '${config}'`,
  ];
  const [program, ...args] = host.enter(['unshare', '--mount', 'sh', '-c', covers.join(' && ')]);
  const sshd = spawnForTest(program!, args, { atEnd: own.atEnd });
  await sshd.says(/Server listening/);
  const mounts = mountsOf(sshd.pid);
  own.atEnd(() => endSessions(mounts));
}

const sshdConfig = (folder: string, name: string): string =>
  `HostKey ${folder}/${name}
AuthorizedKeysFile ${folder}/user.pub
PidFile none
UsePAM yes
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
`;

const userConfig = (folder: string): string =>
  `Host *
IdentityFile ${folder}/user
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile ${folder}/known_hosts
GlobalKnownHostsFile /dev/null
`;

/** What an agent that nobody has removed left running: sshd does not take its sessions with it. They see what it sees. */
function endSessions(mounts: string): void {
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean))
    try {
      if (mountsOf(pid) === mounts) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
}

const mountsOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/mnt`);

function makeKey(path: string): void {
  const { status, stderr } = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
}
