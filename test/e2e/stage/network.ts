import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { AtEnd } from '../../support/spawned.ts';

export const agentPorts = { agent: 8700, http: 8080, ingress: 8701 };

/** True where namespaces can be made; else says so, and never passes over it in silence under CI. */
export function canMakeNetworks(): boolean {
  const missing = process.getuid?.() !== 0 ? 'root' : ['ip', 'iptables', 'nsenter', 'unshare'].find((it) => !runs(it));
  if (!missing) return true;
  const text = `SKIPPED: tests of two regions in two network namespaces need ${missing}`;
  if (process.env.CI === 'true') throw new Error(text);
  console.warn(text);
  return false;
}

export interface Host {
  namespace: string;
  address: string;
}

/**
 * Two machines, as network namespaces on a switch of their own, and this machine at its third port. Between the two pass
 * only connections to an agent's two ports; what else they try of each other is refused and counted. Gone with the test.
 */
export class Network {
  readonly #name = `st${randomBytes(3).toString('hex')}`;
  readonly #subnet = `198.18.${randomBytes(1)[0]}`;
  /** This machine's address there, for the server. */
  readonly here = `${this.#subnet}.1`;
  readonly west: Host = { namespace: `${this.#name}w`, address: `${this.#subnet}.2` };
  readonly east: Host = { namespace: `${this.#name}e`, address: `${this.#subnet}.3` };

  /** `open`: from this machine, as from the internet, everything of them can be reached. */
  static make({ open = false, atEnd = onTestFinished as AtEnd } = {}): Network {
    const network = new Network();
    atEnd(() => network.#remove());
    network.#build(open);
    return network;
  }

  /** Connections that one machine tried of the other beside the agent's ports. */
  refused(host: Host): number {
    const rules = inside(host.namespace, 'iptables -L INPUT -v -x -n');
    return Number(/^\s*(\d+)\s+\d+\s+REJECT/m.exec(rules)![1]);
  }

  #build(open: boolean): void {
    const { namespace: hub } = this.#hub;
    run(`ip netns add ${hub}`);
    run(`ip -n ${hub} link add switch type bridge`);
    run(`ip -n ${hub} link set switch up`);
    run(`ip link add ${this.#name}h type veth peer name here netns ${hub}`);
    run(`ip addr add ${this.here}/29 dev ${this.#name}h`);
    run(`ip link set ${this.#name}h up`);
    run(`ip -n ${hub} link set here master switch up`);
    this.#attach(this.west, 'west', this.east, open);
    this.#attach(this.east, 'east', this.west, open);
  }

  #attach({ namespace, address }: Host, port: string, peer: Host, isOpen: boolean): void {
    const { namespace: hub } = this.#hub;
    run(`ip netns add ${namespace}`);
    run(`ip -n ${namespace} link add outer type veth peer name ${port} netns ${hub}`);
    run(`ip -n ${hub} link set ${port} master switch up`);
    run(`ip -n ${namespace} link set lo up`);
    run(`ip -n ${namespace} addr add ${address}/29 dev outer`);
    run(`ip -n ${namespace} link set outer up`);
    if (isOpen) {
      this.#refuse(namespace, peer);
      return;
    }
    const open = [agentPorts.agent, agentPorts.ingress].join(',');
    for (const rule of [
      '-i lo -j ACCEPT',
      '-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      `-s ${this.here} -p tcp --dport ${agentPorts.agent} -j ACCEPT`,
      `-s ${peer.address} -p tcp -m multiport --dports ${open} -j ACCEPT`,
      '-j REJECT',
    ])
      inside(namespace, `iptables -A INPUT ${rule}`);
    inside(namespace, 'ip6tables -A INPUT ! -i lo -j DROP');
  }

  /** What one host tries of the other beside the agent's ports. */
  #refuse(namespace: string, peer: Host): void {
    const open = [agentPorts.agent, agentPorts.ingress].join(',');
    inside(
      namespace,
      `iptables -A INPUT -s ${peer.address} -p tcp -m multiport ! --dports ${open} -m conntrack --ctstate NEW -j REJECT`,
    );
  }

  get #hub(): Pick<Host, 'namespace'> {
    return { namespace: `${this.#name}h` };
  }

  /** The interfaces go with their namespaces; with the switch's end, this machine's end too. */
  #remove(): void {
    for (const { namespace } of [this.west, this.east, this.#hub]) spawnSync('ip', ['netns', 'delete', namespace]);
    spawnSync('ip', ['link', 'delete', `${this.#name}h`]);
  }
}

/** The command that runs another one on this machine of the network, where the given folders are empty. */
export function enter({ namespace }: Host, command: string[], hidden: string[] = []): string[] {
  const network = ['nsenter', `--net=/run/netns/${namespace}`];
  if (hidden.length === 0) return [...network, ...command];
  const covers = hidden.map((folder) => `mount -t tmpfs none '${folder}'`).join(' && ');
  return [...network, 'unshare', '--mount', 'sh', '-c', `${covers} && exec "$@"`, 'sh', ...command];
}

const inside = (namespace: string, command: string): string => run(`nsenter --net=/run/netns/${namespace} ${command}`);

function run(command: string): string {
  const [program, ...args] = command.split(' ');
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`\`${command}\`: ${stderr}`);
  return stdout;
}

const runs = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
