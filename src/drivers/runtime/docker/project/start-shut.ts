import { stillShut, whileShut } from '../../../gate/packet-rules/shut.ts';
import type { ShutUntil } from '../../projects.ts';
import { asked } from '../docker.ts';
import type { Host } from './make.ts';
import { startContainer } from './run.ts';

/** One that comes up open is shut off by packet rules, from before its start until it is ready. */
export async function startShut(host: Host, name: string, { port, ready }: ShutUntil): Promise<void> {
  const { region, docker } = host;
  const { State, NetworkSettings } = await asked(region, docker.getContainer(name).inspect());
  if (State.Running) return await stillShut(name, ready);
  const subnets = await Promise.all(Object.keys(NetworkSettings.Networks).map((network) => subnetsOf(host, network)));
  await whileShut({ name, subnets: subnets.flat(), port }, async () => {
    await startContainer(host, name);
    await ready();
  });
}

async function subnetsOf({ region, docker }: Host, network: string): Promise<string[]> {
  const { IPAM } = await asked(region, docker.getNetwork(network).inspect());
  return (IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet ? [Subnet] : []));
}
