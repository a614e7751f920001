import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type Spawned, spawnForTest } from '../../../../test/support/spawned.ts';

/** True where namespaces and rules can be made; else says so, and never passes over it in silence under CI. */
export function canMakeRules(): boolean {
  const programs = ['ip', 'iptables', 'nft', 'nsenter'];
  const missing = process.getuid?.() !== 0 ? 'root' : programs.find((it) => spawnSync(it, ['--version']).error);
  if (!missing) return true;
  const text = `SKIPPED: tests of packet rules need ${missing}`;
  if (process.env.CI === 'true') throw new Error(text);
  console.warn(text);
  return false;
}

/**
 * A host with a bridge as container engines make it, two containers on it, and a client outside. Each is a network
 * namespace; the host publishes port 8080 of the first container by the rules that such engines write.
 */
export class DockerLikeNetwork {
  readonly #name = `gt${randomBytes(3).toString('hex')}`;
  readonly #net = `198.18.${randomBytes(1)[0]}`;
  readonly host = `${this.#name}h`;
  readonly container = `${this.#name}a`;
  readonly neighbour = `${this.#name}b`;
  readonly client = `${this.#name}c`;
  readonly containerAddress = '10.213.7.2';
  readonly neighbourAddress = '10.213.7.3';
  readonly hostAddress = `${this.#net}.1`;
  readonly clientAddress = `${this.#net}.2`;

  static make(): DockerLikeNetwork {
    const network = new DockerLikeNetwork();
    onTestFinished(() => network.#remove());
    network.#build();
    return network;
  }

  /** A program in one of the four, gone with the test. */
  spawn(namespace: string, command: string, args: string[]): Spawned {
    return spawnForTest('nsenter', [`--net=/run/netns/${namespace}`, command, ...args]);
  }

  run(namespace: string, command: string, args: string[]): string {
    return must('nsenter', [`--net=/run/netns/${namespace}`, command, ...args]);
  }

  /** Everything that the host's rules say, without what only counts or tells the time. */
  rules(): string {
    const saved = ['iptables-save', 'ip6tables-save'].map((program) => this.run(this.host, program, []));
    const text = [...saved, this.run(this.host, 'nft', ['list', 'ruleset'])].join('\n');
    return text
      .replace(/^#.*\n/gm, '')
      .replace(/\[\d+:\d+\]/g, '')
      .replace(/counter packets \d+ bytes \d+/g, 'counter');
  }

  #build(): void {
    for (const one of [this.host, this.container, this.neighbour, this.client]) {
      ip(`netns add ${one}`);
      ip(`-n ${one} link set lo up`);
    }
    ip(`-n ${this.host} link add bridge type bridge`);
    ip(`-n ${this.host} addr add 10.213.7.1/24 dev bridge`);
    ip(`-n ${this.host} link set bridge up`);
    this.#plug(this.container, this.containerAddress, 'port1');
    this.#plug(this.neighbour, this.neighbourAddress, 'port2');
    ip(`-n ${this.client} link add outer type veth peer name outer netns ${this.host}`);
    this.#address(this.host, 'outer', `${this.hostAddress}/24`);
    this.#address(this.client, 'outer', `${this.clientAddress}/24`);
    this.run(this.host, 'sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1']);
    // As the engines do, so that what goes over the bridge meets the rules.
    this.run(this.host, 'sysctl', ['-q', '-w', 'net.bridge.bridge-nf-call-iptables=1']);
    this.#publish();
  }

  #plug(container: string, address: string, port: string): void {
    ip(`-n ${container} link add eth0 type veth peer name ${port} netns ${this.host}`);
    this.#address(container, 'eth0', `${address}/24`);
    ip(`-n ${container} route add default via 10.213.7.1`);
    ip(`-n ${this.host} link set dev ${port} master bridge`);
    ip(`-n ${this.host} link set dev ${port} up`);
  }

  #address(namespace: string, device: string, address: string): void {
    ip(`-n ${namespace} addr add ${address} dev ${device}`);
    ip(`-n ${namespace} link set dev ${device} up`);
  }

  #publish(): void {
    const to = `${this.containerAddress}:80`;
    for (const rule of [
      '-N DOCKER',
      '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
      '-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER',
      '-A POSTROUTING -s 10.213.7.0/24 ! -o bridge -j MASQUERADE',
      `-A DOCKER ! -i bridge -p tcp --dport 8080 -j DNAT --to-destination ${to}`,
    ])
      this.run(this.host, 'iptables', ['-t', 'nat', ...rule.split(' ')]);
    // The table for IPv6 is there as well, as newer engines make it; iptables never takes one away that it has made.
    for (const chain of ['PREROUTING', 'OUTPUT'])
      for (const verb of ['-A', '-D']) this.run(this.host, 'ip6tables', ['-t', 'nat', verb, chain, '-j', 'ACCEPT']);
  }

  #remove(): void {
    for (const one of [this.host, this.container, this.neighbour, this.client])
      spawnSync('ip', ['netns', 'delete', one]);
  }
}

const ip = (command: string): string => must('ip', command.split(' '));

function must(program: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`\`${program} ${args.join(' ')}\`: ${stderr || error}`);
  return stdout;
}
