import type { GateOrder } from '../../../drivers/gate/contract.ts';
import { directFromHost } from '../../../drivers/gate/direct.ts';
import { gateDriverFor } from '../../../drivers/gate/drivers.ts';
import type { CheckResult } from '../../../protocol/migration.ts';
import { whereIs } from '../../../protocol/proxy.ts';

/** How visitors will be led to the gate, and who would go past it. Undefined: nobody comes to the app. Changes nothing. */
export async function waysIn(order: GateOrder | undefined, project: string, routerPid: number): Promise<CheckResult> {
  const base = { id: 'ways-in', name: 'Visitors can be led to the gate' };
  if (!order) return { ...base, verdict: 'pass', detail: 'nobody comes to it', remedy: null };
  const found = await gateDriverFor(order).check(order);
  if (!found.possible) return { ...base, verdict: 'fail', detail: found.why, remedy: found.remedy };
  const place = order.proxy?.place;
  const direct = directFromHost(order, routerPid).filter(({ name }) => name !== place?.kind);
  if (direct.length > 0) {
    const who = direct.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
    return {
      ...base,
      verdict: 'warn',
      detail: `${who} goes to the containers’ own addresses, which packet rules do not turn`,
      remedy: `If it is a proxy, name it: \`storky adopt ${project} --proxy …\`; else let it use a published port.`,
    };
  }
  if (found.gap)
    return { ...base, verdict: 'warn', detail: found.gap, remedy: 'Nothing to do where nobody comes that way.' };
  const how = place
    ? `${place.kind} (${whereIs(place)}) is told of the gate before the freeze, and packet rules turn who comes by another way`
    : 'packet rules turn visitors to the gate; a proxy in front stays as it is';
  return { ...base, verdict: 'pass', detail: [how, ...found.notes].join('. '), remedy: null };
}
