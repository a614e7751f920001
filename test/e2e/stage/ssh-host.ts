import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { spawnForTest } from '../../support/spawned.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait-for.ts';

/** True where such a host can be made; else says so, and never passes over it in silence under CI. */
export function canMakeHosts(): boolean {
  const programs = ['ip', 'nsenter', 'unshare', 'setpriv', 'iptables', 'ssh-keygen', '/usr/sbin/sshd', 'dockerd'];
  const missing = process.getuid?.() !== 0 ? 'root' : programs.find((it) => spawnSync(it, ['--version']).error);
  if (!missing) return true;
  const text = `SKIPPED: tests of hosts behind SSH need ${missing}`;
  if (process.env.CI === 'true') throw new Error(text);
  console.warn(text);
  return false;
}

const uid = 61_977;

/**
 * A host with a network of its own, on which one unprivileged account may log in by a key. sshd runs as that account.
 * Only its port can be reached from here.
 */
export class SshHost {
  readonly #name = `sh${randomBytes(3).toString('hex')}`;
  readonly #net = `198.19.${randomBytes(1)[0]}`;
  readonly folder = tempFolder('host');
  readonly home = join(this.folder, 'home');
  readonly address = `${this.#net}.2`;
  readonly destination = `ssh://deploy@${this.address}:2222`;
  /** A configuration as users have it: their key, their known hosts. */
  readonly config = join(this.folder, 'config');

  #docker: { socket: string; stop(): Promise<void> } | undefined;

  static async start({ docker = false } = {}): Promise<SshHost> {
    const host = new SshHost();
    onTestFinished(() => host.#remove());
    host.#network();
    host.#accounts();
    host.newHostKey();
    host.#userConfig();
    if (docker) await host.startDocker();
    await host.startSshd();
    return host;
  }

  /** Everything that runs there but sshd itself and its sessions. */
  processes(): { pid: number; command: string; uid: number }[] {
    return this.#pids().flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const uid = Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
        return /^sshd|\/sshd /.test(command) || command === '' ? [] : [{ pid, command, uid }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
  }

  find(text: string): number | undefined {
    return this.processes().find(({ command }) => command.includes(text) && !command.startsWith('/bin/sh'))?.pid;
  }

  /** As a power cut: nothing of what ran is left. */
  async powerOff(): Promise<void> {
    for (const pid of this.#pids()) kill(pid);
    await waitFor(() => this.#pids().length === 0, { what: 'the end of everything on the host' });
  }

  async startSshd(): Promise<void> {
    const config = join(this.folder, 'sshd_config');
    writeFileSync(config, this.#sshdConfig());
    const asDeploy = ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', '/usr/sbin/sshd'];
    const sshd = spawnForTest('nsenter', this.#entered([...asDeploy, '-D', '-e', '-f', config]));
    await sshd.says(/Server listening/);
  }

  /** A program there, as the account. */
  run(script: string): void {
    const asDeploy = ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
    const env = { PATH: process.env.PATH, HOME: this.home };
    const { status, stderr } = spawnSync('nsenter', this.#entered([...asDeploy, 'sh', '-c', script]), {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
  }

  /** A Docker daemon of this host, which its account may use. Before `startSshd`, which tells sessions of it. */
  async startDocker(): Promise<void> {
    const folder = join(this.folder, 'docker');
    mkdirSync(folder, { recursive: true });
    const socket = `unix://${folder}/docker.sock`;
    const own = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`];
    const daemon = spawnForTest('nsenter', [
      `--net=/run/netns/${this.#name}`,
      'dockerd',
      ...own,
      '--shutdown-timeout',
      '5',
      '-H',
      socket,
    ]);
    await daemon.says(/API listen on/, 90_000);
    chownSync(`${folder}/docker.sock`, uid, uid);
    this.#docker = { socket, stop: () => daemon.kill() };
  }

  docker(...args: string[]): string {
    return run(['docker', '-H', this.#docker!.socket, ...args].join(' '));
  }

  /** As at a shutdown and the next boot: Docker ends its containers, and starts those that it shall. */
  async restartDocker(): Promise<void> {
    await this.#docker!.stop();
    await this.startDocker();
  }

  /** Somebody else's program, on a port that we would like. */
  async take(port: number): Promise<void> {
    const code = `require('net').createServer().listen(${port}, () => console.log('taken'))`;
    const place = `--net=/run/netns/${this.#name}`;
    await spawnForTest('nsenter', [place, process.execPath, '-e', code]).says(/taken/);
  }

  newHostKey(): void {
    const key = join(this.folder, 'host_key');
    run(`rm -f ${key} ${key}.pub`);
    run(`ssh-keygen -q -t ed25519 -N  -f ${key}`);
    chownSync(key, uid, uid);
  }

  /** As who answered `yes` to the question of `ssh` at some time. */
  trust(): void {
    const [type, key] = readFileSync(join(this.folder, 'host_key.pub'), 'utf8').split(' ');
    writeFileSync(join(this.folder, 'known_hosts'), `[${this.address}]:2222 ${type} ${key}\n`);
  }

  #network(): void {
    const name = this.#name;
    run(`ip netns add ${name}`);
    run(`ip link add ${name} type veth peer name outer netns ${name}`);
    run(`ip addr add ${this.#net}.1/24 dev ${name}`);
    run(`ip link set ${name} up`);
    run(`ip -n ${name} addr add ${this.address}/24 dev outer`);
    for (const device of ['lo', 'outer']) run(`ip -n ${name} link set ${device} up`);
    for (const rule of [
      '-i lo -j ACCEPT',
      '-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      '-p tcp --dport 2222 -j ACCEPT',
      '-j REJECT',
    ])
      run(`nsenter --net=/run/netns/${name} iptables -A INPUT ${rule}`);
  }

  #accounts(): void {
    mkdirSync(join(this.home, '.ssh'), { recursive: true, mode: 0o700 });
    writeFileSync(
      join(this.folder, 'passwd'),
      `root:x:0:0::/root:/bin/sh\ndeploy:x:${uid}:${uid}::${this.home}:/bin/sh\n`,
    );
    writeFileSync(join(this.folder, 'group'), `root:x:0:\ndeploy:x:${uid}:\n`);
    run(`ssh-keygen -q -t ed25519 -N  -f ${join(this.folder, 'user_key')}`);
    writeFileSync(join(this.home, '.ssh/authorized_keys'), readFileSync(join(this.folder, 'user_key.pub')));
    run(`chown -R ${uid}:${uid} ${this.home}`);
  }

  #userConfig(): void {
    const lines = [
      `IdentityFile ${join(this.folder, 'user_key')}`,
      'IdentitiesOnly yes',
      'IdentityAgent none',
      `UserKnownHostsFile ${join(this.folder, 'known_hosts')}`,
      'GlobalKnownHostsFile /dev/null',
    ];
    writeFileSync(this.config, `Host *\n${lines.join('\n')}\n`);
    writeFileSync(join(this.folder, 'known_hosts'), '');
  }

  #sshdConfig(): string {
    return [
      'Port 2222',
      `HostKey ${join(this.folder, 'host_key')}`,
      'PidFile none',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'MaxSessions 2',
      ...(this.#docker ? [`SetEnv DOCKER_HOST=${this.#docker.socket}`] : []),
      '',
    ].join('\n');
  }

  /** In the host's network, where the accounts are the host's. */
  #entered(command: string[]): string[] {
    const covers = ['passwd', 'group']
      .map((name) => `mount --bind ${join(this.folder, name)} /etc/${name}`)
      .join(' && ');
    return [
      `--net=/run/netns/${this.#name}`,
      'unshare',
      '--mount',
      'sh',
      '-c',
      `${covers} && exec "$@"`,
      'sh',
      ...command,
    ];
  }

  #pids(): number[] {
    return run(`ip netns pids ${this.#name}`).split('\n').filter(Boolean).map(Number);
  }

  async #removeDocker(): Promise<void> {
    if (!this.#docker) return;
    const all = quietly(() => this.docker('ps', '-aq'))
      .split('\n')
      .filter(Boolean);
    if (all.length > 0) quietly(() => this.docker('rm', '-f', ...all));
    await this.#docker.stop();
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const path of mounts.filter((path) => path.startsWith(`${this.folder}/`)).reverse())
      quietly(() => run(`umount -l ${path}`));
  }

  async #remove(): Promise<void> {
    await this.#removeDocker();
    await this.powerOff().catch(() => {});
    spawnSync('ip', ['netns', 'delete', this.#name]);
    spawnSync('ip', ['link', 'delete', this.#name]);
  }
}

function quietly(work: () => string): string {
  try {
    return work();
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function run(command: string): string {
  const [program, ...args] = command.split(' ');
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`\`${command}\`: ${stderr}`);
  return stdout;
}
