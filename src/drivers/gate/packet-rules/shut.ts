import { isIPv6 } from 'node:net';
import { StorkyError } from '../../../protocol/errors.ts';
import { run } from '../run.ts';

/** A port of a container that is about to start: in which of its networks it will have which address, nobody knows yet. */
export interface Door {
  /** Of the container. */
  name: string;
  /** `172.18.0.0/16` */
  subnets: string[];
  port: number;
}

interface Locksmith {
  unusable(): Promise<string | undefined>;
  shut(door: Door): Promise<void>;
  /** Idempotent. */
  open(name: string): Promise<void>;
}

/**
 * While the work is done, nobody but processes of this host reaches that port: not other containers, and nobody from
 * outside. Who tries waits, as on a bad line, until his next packet. Where no tool can do it the work is done all the same.
 */
export async function whileShut(door: Door, work: () => Promise<void>, tools = [nft, iptables]): Promise<void> {
  const usable = await firstOf(tools);
  await usable?.open(door.name);
  await usable?.shut(door);
  try {
    await work();
  } finally {
    await usable?.open(door.name);
  }
}

/** The same for one that runs already: an agent that was killed may have left it shut, and it is opened after the work alone. */
export async function stillShut(name: string, work: () => Promise<void>, tools = [nft, iptables]): Promise<void> {
  try {
    await work();
  } finally {
    await (await firstOf(tools))?.open(name);
  }
}

async function firstOf(tools: Locksmith[]): Promise<Locksmith | undefined> {
  for (const tool of tools) if (!(await tool.unusable())) return tool;
  return undefined;
}

/** The kernel forgets the port by itself after so long: whoever shut it may be dead. */
const longestMs = 10 * 60_000;

export const nft: Locksmith = {
  async unusable() {
    const { code, stderr } = await run(['nft', 'list', 'tables']);
    return code === 0 ? undefined : stderr.trim().split('\n')[0];
  },
  async shut({ name, subnets, port }) {
    const rules = subnets.map((subnet) => `${isSix(subnet) ? 'ip6' : 'ip'} daddr ${subnet} tcp dport @live drop`);
    const table = [
      `table inet ${tableOf(name)} {`,
      `  set live { type inet_service; flags timeout; elements = { ${port} timeout ${longestMs}ms } }`,
      `  chain forward {\n    type filter hook forward priority -10; policy accept;\n${rules.join('\n')}\n  }`,
      '}\n',
    ].join('\n');
    must(await run(['nft', '-f', '-'], `${cleared(name)}\n${table}`), name);
  },
  async open(name) {
    must(await run(['nft', '-f', '-'], `${cleared(name)}\n`), name);
  },
};

export const iptables: Locksmith = {
  async unusable() {
    const { code, stderr } = await run(['iptables-save', '-t', 'filter']);
    return code === 0 ? undefined : stderr.trim().split('\n')[0];
  },
  async shut({ name, subnets, port }) {
    for (const subnet of subnets) {
      const rule = ['-d', subnet, '-p', 'tcp', '--dport', String(port), '-m', 'comment', '--comment', commentOf(name)];
      const program = isSix(subnet) ? 'ip6tables' : 'iptables';
      must(await run([program, '--wait', '5', '-I', 'FORWARD', ...rule, '-j', 'DROP']), name);
    }
  },
  async open(name) {
    for (const program of ['iptables', 'ip6tables']) {
      const { stdout } = await run([`${program}-save`, '-t', 'filter']);
      const own = stdout.split('\n').filter((line) => line.startsWith('-A ') && line.includes(`"${commentOf(name)}"`));
      if (own.length === 0) continue;
      const lines = ['*filter', ...own.map((line) => line.replace(/^-A /, '-D ')), 'COMMIT', ''];
      must(await run([`${program}-restore`, '--noflush', '--wait', '5'], lines.join('\n')), name);
    }
  },
};

const isSix = (subnet: string): boolean => isIPv6(subnet.split('/')[0]!);
const commentOf = (name: string): string => `storky shut ${name}`;
const tableOf = (name: string): string => `storky_shut_${name.replaceAll(/[^\w]/g, '_')}`;
/** Taking out what is not there is an error, hence the first line. */
const cleared = (name: string): string => `add table inet ${tableOf(name)}\ndelete table inet ${tableOf(name)}`;

function must({ code, stderr }: { code: number | null; stderr: string }, name: string): void {
  if (code !== 0) throw new StorkyError('gate_not_inserted', { app: name, detail: stderr.trim().split('\n')[0] ?? '' });
}
