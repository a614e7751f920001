import { readFileSync } from 'node:fs';
import { GateOrder } from '../contract.ts';
import { directFromHost } from '../direct.ts';
import { keepGate } from '../keeper.ts';
import { packetRulesBy } from '../packet-rules/driver.ts';
import { iptables } from '../packet-rules/iptables.ts';
import { nft } from '../packet-rules/nft.ts';

/** `keep.ts <order.json> <tool>`: keeps the gate in, as an agent does, until it is killed; the third: another verb. */
const [path, tool, verb = 'keep'] = process.argv.slice(2);
const driver = packetRulesBy([tool === 'nftables' ? nft : iptables]);
const order = GateOrder.parse(JSON.parse(readFileSync(path!, 'utf8')));
if (verb === 'keep') {
  const kept = keepGate(driver, order);
  process.on('SIGHUP', () => kept.routerGone());
  await kept.inserted;
} else if (verb === 'insert') await driver.insert(order);
else if (verb === 'remove') await driver.remove(order);
else if (verb === 'direct') process.stdout.write(`${JSON.stringify(directFromHost(order, undefined))}\n`);
process.stdout.write(`${verb} ${await driver.verify(order)}\n`);
