import { isIPv6 } from 'node:net';
import { StorkyError } from '../../../protocol/errors.ts';
import { type GateOrder, gateLifeMs, type Standing } from '../contract.ts';
import { type Ended, run } from '../run.ts';
import { alsoFromTheHost, commentOf, type Turn, turnsOf } from './rules.ts';
import type { Tool } from './tool.ts';

/**
 * A table of its own, so nobody else's is touched and one word takes it out. Before every other address translation
 * (priority -101): the first that translates a connection is the one that counts.
 *
 * The rules match only ports that are in the set `live`, whose elements the kernel drops when their time is over.
 */
export const nft: Tool = {
  name: 'nftables',

  async unusable() {
    const { code, stderr } = await run(['nft', 'list', 'tables']);
    return code === 0 ? undefined : stderr.trim().split('\n')[0];
  },

  async insert(order) {
    must(await run(['nft', '-f', '-'], `${cleared(order.app)}\n${tableText(order)}`), order.app);
  },

  async renew(order) {
    const set = `inet ${tableOf(order.app)} live`;
    must(await run(['nft', '-f', '-'], `flush set ${set}\nadd element ${set} ${elementsOf(order)}`), order.app);
  },

  async lapse({ app }) {
    await run(['nft', 'flush', 'set', 'inet', tableOf(app), 'live']);
  },

  async verify(order): Promise<Standing> {
    const { code, stdout } = await run(['nft', '-j', 'list', 'table', 'inet', tableOf(order.app)]);
    if (code !== 0) return 'out';
    const { nftables } = JSON.parse(stdout) as { nftables: Listed[] };
    const rules = nftables.filter(({ rule }) => rule?.comment === commentOf(order));
    const live = nftables.some(({ set }) => (set?.elem?.length ?? 0) > 0);
    return rules.length === rulesOf(order).length && live ? 'in' : 'partly';
  },

  async remove(app) {
    const { code } = await run(['nft', 'list', 'table', 'inet', tableOf(app)]);
    if (code !== 0) return;
    must(await run(['nft', '-f', '-'], cleared(app)), app);
  },
};

interface Listed {
  rule?: { comment?: string };
  set?: { elem?: unknown[] };
}

const tableOf = (app: string): string => `storky_gate_${app.replaceAll('-', '_')}`;

/** Taking out what is not there is an error, hence the first line. */
const cleared = (app: string): string => `add table inet ${tableOf(app)}\ndelete table inet ${tableOf(app)}`;

/** With their time: where another order's table was, nobody gets past in between. */
const elementsOf = (order: GateOrder): string =>
  `{ ${portsOf(order)
    .map((port) => `${port} timeout ${gateLifeMs}ms`)
    .join(', ')} }`;

const portsOf = (order: GateOrder): number[] => [...new Set(turnsOf(order).map(({ way }) => way.port))];

function tableText(order: GateOrder): string {
  const rules = rulesOf(order);
  const within = (hook: string) => rules.filter((rule) => rule.hook === hook).map(({ text }) => `    ${text}`);
  const chain = (hook: string) =>
    `  chain ${hook} {\n    type nat hook ${hook} priority -101; policy accept;\n${within(hook).join('\n')}\n  }`;
  return [
    `table inet ${tableOf(order.app)} {`,
    `  set live { type inet_service; flags timeout; elements = ${elementsOf(order)} }`,
    chain('prerouting'),
    chain('output'),
    '}\n',
  ].join('\n');
}

function rulesOf(order: GateOrder): { hook: 'prerouting' | 'output'; text: string }[] {
  return turnsOf(order).flatMap((turn) => {
    const text = `${where(turn)} tcp dport ${turn.way.port} tcp dport @live redirect to :${turn.routerPort} comment "${commentOf(order)}"`;
    const from = { hook: 'prerouting', text } as const;
    return alsoFromTheHost(turn) ? [from, { hook: 'output', text } as const] : [from];
  });
}

function where({ way: { address } }: Turn): string {
  if (address === null) return 'fib daddr type local';
  return `${isIPv6(address) ? 'ip6' : 'ip'} daddr ${address}`;
}

function must({ code, stderr }: Ended, app: string): void {
  if (code !== 0) throw new StorkyError('gate_not_inserted', { app, detail: `nft: ${stderr.trim().split('\n')[0]}` });
}
