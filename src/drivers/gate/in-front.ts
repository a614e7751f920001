import type { GateCheck, GateDriver, GateOrder, Standing } from './contract.ts';

/**
 * A proxy in front that is told of the gate, and rules for whoever comes by another way. Where this host allows no rules,
 * the proxy alone. The proxy is touched only where it does not have the gate: it may reload what it has at every change.
 */
export function inFront(proxy: GateDriver, rules: GateDriver): GateDriver {
  let could = false;
  const rulesCan = async (order: GateOrder) => {
    could ||= (await rules.check(order)).possible;
    return could && order.entries.some(({ ways }) => ways.length > 0);
  };
  const all = async (order: GateOrder) => ((await rulesCan(order)) ? [proxy, rules] : [proxy]);
  return {
    name: proxy.name,
    async check(order): Promise<GateCheck> {
      const [first, second] = [await proxy.check(order), await rules.check(order)];
      if (!first.possible) return first;
      if (second.possible) return { ...first, gap: second.gap };
      const gap = `who does not come by the proxy goes past the gate, since there can be no packet rules: ${second.why}`;
      return { ...first, gap };
    },
    async insert(order) {
      const withRules = await rulesCan(order);
      if ((await proxy.verify(order)) !== 'in') await proxy.insert(order);
      if (withRules) await rules.insert(order);
    },
    async renew(order) {
      if (await rulesCan(order)) await rules.renew?.(order);
    },
    async lapse(order) {
      if (await rulesCan(order)) await rules.lapse?.(order);
    },
    async verify(order): Promise<Standing> {
      const found = await Promise.all((await all(order)).map((one) => one.verify(order)));
      return found.every((one) => one === found[0]) ? found[0]! : 'partly';
    },
    async remove(order) {
      await proxy.remove(order);
      await rules.remove(order);
    },
  };
}
