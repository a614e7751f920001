import { once } from 'node:events';
import { iptables, nft, stillShut, whileShut } from '../packet-rules/shut.ts';

// In the network of the host that a test has made: shut until it is told to end, by this process or by one before it.
const [tool, verb, ...subnets] = process.argv.slice(2);
const tools = [tool === 'nftables' ? nft : iptables];
const name = 'shop_cache_1';
const untilTold = async () => {
  console.log('it is shut');
  setInterval(() => {}, 1_000);
  await once(process, 'SIGTERM');
};
if (verb === 'go-on') await stillShut(name, untilTold, tools);
else await whileShut({ name, subnets, port: 80 }, untilTold, tools);
console.log('it is open');
process.exit(0);
