import { existsSync, readFileSync } from 'node:fs';
import { StorkyError } from '../../../protocol/errors.ts';
import type { GateCheck, GateDriver, GateOrder } from '../contract.ts';
import { iptables } from './iptables.ts';
import { nft } from './nft.ts';
import { turnsOf } from './rules.ts';
import type { Tool } from './tool.ts';

/**
 * Turns new connections to the app's published ports and containers to the router's ports on the host. The client's
 * address is kept, and the router itself reaches the containers as before. What was inserted ends by itself a few
 * seconds after nobody renews it, so that nothing is lost when agent and router die: `gateLifeMs`.
 */
export const packetRules = packetRulesBy([nft, iptables]);

export function packetRulesBy(tools: Tool[]): GateDriver {
  let found: Tool | undefined;
  const usable = async (app: string) => {
    found ??= await firstUsable(tools, app);
    return found;
  };
  const removed = async ({ app }: GateOrder) => {
    for (const tool of tools) await tool.remove(app);
  };
  return {
    name: 'packet-rules',
    check: (order) => check(tools, order),
    insert: async (order) => {
      if (turnsNothing(order)) return await removed(order);
      const tool = await usable(order.app);
      for (const other of tools) if (other !== tool) await other.remove(order.app);
      await tool.insert(order);
      await tool.renew(order);
    },
    renew: async (order) => (turnsNothing(order) ? undefined : (await usable(order.app)).renew(order)),
    lapse: async (order) => (await usable(order.app)).lapse(order),
    verify: async (order) => (turnsNothing(order) ? 'in' : (await usable(order.app)).verify(order)),
    remove: removed,
  };
}

/** The containers do not run, and none of their ports is published: there is no way to turn. */
const turnsNothing = (order: GateOrder): boolean => turnsOf(order).length === 0;

async function check(tools: Tool[], order: GateOrder): Promise<GateCheck> {
  const why: string[] = [];
  for (const tool of tools) {
    const reason = await tool.unusable();
    if (!reason) return { possible: true, notes: [], gap: gapOf(order) };
    why.push(`${tool.name}: ${reason}`);
  }
  const remedy = 'Run the agent as root, or in a container with the capability NET_ADMIN on the network of the host.';
  return { possible: false, why: why.join('; '), remedy };
}

function gapOf(order: GateOrder): string | undefined {
  if (!turnsOf(order).some(({ way }) => way.kind === 'container') || bridgedTrafficIsSeen()) return undefined;
  return 'containers of one network reach each other past the gate here: set net.bridge.bridge-nf-call-iptables to 1';
}

/** What goes over one bridge meets the rules only where the kernel was told so, as container engines do. */
function bridgedTrafficIsSeen(): boolean {
  const setting = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  return existsSync(setting) && readFileSync(setting, 'utf8').trim() === '1';
}

async function firstUsable(tools: Tool[], app: string): Promise<Tool> {
  const why: string[] = [];
  for (const tool of tools) {
    const reason = await tool.unusable();
    if (!reason) return tool;
    why.push(`${tool.name}: ${reason}`);
  }
  throw new StorkyError('gate_not_inserted', { app, detail: why.join('; ') });
}
