import { once } from 'node:events';
import { iptables, nft, opened, whileShut } from '../packet-rules/shut.ts';

// In the network of the host that a test has made: shut until it is told to end, or opened where somebody else has shut it.
const [tool, verb, ...subnets] = process.argv.slice(2);
const tools = [tool === 'nftables' ? nft : iptables];
const name = 'shop_cache_1';
if (verb === 'open') await opened(name, tools);
else
  await whileShut(
    { name, subnets, port: 80 },
    async () => {
      console.log('it is shut');
      setInterval(() => {}, 1_000);
      await once(process, 'SIGTERM');
    },
    tools,
  );
console.log('it is open');
process.exit(0);
