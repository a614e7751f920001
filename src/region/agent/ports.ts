import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { freePort } from '../../base/free-port.ts';

export interface AgentPorts {
  agent: number;
  http: number;
  ingress: number;
}

/**
 * The ports of this agent and its router. One that is asked for as 0 is chosen once and kept: the server, other regions
 * and old links know the region by it, so it must be the same after a restart.
 */
export async function settlePorts(dataFolder: string, host: string, wanted: AgentPorts): Promise<AgentPorts> {
  const file = join(dataFolder, 'ports.json');
  const before = readJson<AgentPorts>(file);
  const settle = async (name: keyof AgentPorts) => wanted[name] || before?.[name] || (await freePort(host));
  const ports = { agent: await settle('agent'), http: await settle('http'), ingress: await settle('ingress') };
  writeJsonAtomic(file, ports);
  return ports;
}
