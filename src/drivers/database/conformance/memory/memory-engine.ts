import { mkdirSync, rmSync } from 'node:fs';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { createServer, hasServer, removeServer, serverAt } from './server.ts';
import { MemorySource } from './source.ts';
import { MemoryTarget } from './target.ts';
import { MemoryWayBack } from './way-back.ts';

/**
 * The smallest engine that keeps the contract: it shows what the suite asks for, and stands for a database where one is
 * needed and none matters. Not an engine that an app can have: the registry looks for `engine.ts`.
 */
export const memoryEngine: DatabaseEngine = {
  engine: 'memory',
  capabilities: { live: true, backup: true, transactional: false, upgrades: true },
  versions: async () => ['1'],
  plans: () => [{ name: 'starter-512', memoryMb: 512, maxConnections: 10 }],
  provision,
  async start(instance) {
    serverAt(instance).running = true;
  },
  async stop(instance) {
    serverAt(instance).running = false;
  },
  running: async (instance) => hasServer(instance) && serverAt(instance).running,
  async destroy(instance) {
    removeServer(instance);
    rmSync(instance.folder, { recursive: true, force: true });
  },
  environment: ({ host, folder }) => ({ url: `memory:${folder}`, host }),
  source: (instance) => new MemorySource(instance),
  target: (instance) => new MemoryTarget(instance),
  wayBack: (instance) => new MemoryWayBack(instance),
};

async function provision(order: ProvisionOrder): Promise<DatabaseInstance> {
  mkdirSync(order.folder, { recursive: true });
  createServer(order).running = true;
  return { ...order, engine: 'memory', host: 'memory', port: 0, adminUser: 'admin', adminPassword: '' };
}
