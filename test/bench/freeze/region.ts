import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { engine } from '../../../src/drivers/database/postgres/engine.ts';
import { adminOf, withClient } from '../../../src/drivers/database/postgres/wire/connect.ts';
import type { RegionAddress } from '../../../src/protocol/region-contract.ts';
import type { TestAuthority } from '../../../src/region/link/authority.test-support.ts';
import type { Identity } from '../../../src/region/link/tls.ts';
import type { Ports, RouterConfig } from '../../../src/router/config.ts';
import { latencyProxy } from '../../support/latency-proxy.ts';
import { projectRoot, spawnGroup } from '../../support/spawned.ts';
import { startChild } from '../child.ts';
import type { Agent } from './agent.ts';
import type { App } from './app.ts';

export type Region = Awaited<ReturnType<typeof startRegion>>;

/**
 * A region of real parts, each in its own process: a database, an app that writes to it, a router, and the part of the
 * agent that switches. The other region comes in through two delaying proxies: the agent's port and the router's ingress.
 */
export async function startRegion(
  name: string,
  active: boolean,
  base: string,
  authority: TestAuthority,
  ends: AsyncDisposableStack,
) {
  const folder = join(base, name);
  mkdirSync(folder);
  chmodSync(folder, 0o711);
  const identity = await authority.issue(name);
  const instance = await startDatabase(folder, ends);
  const { ports, socketPath } = await startRouter(folder, identity, ends);
  const app = child<App>('app.ts', ends);
  const upstream = `127.0.0.1:${await app.start(engine.environment(instance).url!)}`;
  const agent = child<Agent>('agent.ts', ends);
  const epoch = {
    epoch: 0,
    role: active ? 'active' : 'passive',
    migration: null,
    peer: null,
    at: new Date().toISOString(),
  } as const;
  const options = { identity, instance, routerSocket: socketPath, epochFile: join(folder, 'epoch.json'), upstream };
  const agentPort = await agent.start(options, epoch);
  const door = async (port: number) =>
    ends.use(await latencyProxy({ target: { host: '127.0.0.1', port }, delayMs: 0 }));
  const [agentDoor, ingressDoor] = [await door(agentPort), await door(ports.ingress)];
  const address: RegionAddress = {
    region: name,
    host: '127.0.0.1',
    port: agentDoor.port,
    ingressPort: ingressDoor.port,
  };
  return {
    agent,
    address,
    httpPort: ports.http,
    query: (sql: string) => withClient(adminOf(instance), (client) => client.query(sql)),
    /** Milliseconds each way, for everything that comes in from the other region. */
    setDelay(delayMs: number) {
      for (const one of [agentDoor, ingressDoor]) one.setDelay(delayMs);
    },
    /** As the agent looks after a process that it started behind the holding gate. */
    async lookAtApp() {
      const answer = await fetch(`http://${upstream}/`);
      if (!answer.ok) throw new Error(`the app in ${name} is not well: ${await answer.text()}`);
    },
  };
}

function child<Api>(file: string, ends: AsyncDisposableStack) {
  const { ask, end } = startChild<Api>(new URL(file, import.meta.url));
  ends.defer(end);
  return ask;
}

async function startDatabase(folder: string, ends: AsyncDisposableStack): Promise<DatabaseInstance> {
  const version = (await engine.versions()).at(-1);
  if (!version) throw new Error('PostgreSQL is not installed: run `node scripts/setup.js`');
  const names = { app: 'shop', addon: 'db', database: 'shop', user: 'shop', password: 'shop' };
  const order = { ...names, plan: 'starter-512', version, folder: join(folder, 'database') };
  const instance = await engine.provision(order);
  ends.defer(() => engine.destroy(instance));
  return instance;
}

async function startRouter(folder: string, identity: Identity, ends: AsyncDisposableStack) {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const here = { host: '127.0.0.1', port: 0 };
  const files = {
    cert: file('cert.pem', identity.certificate),
    key: file('key.pem', identity.key),
    ca: file('ca.pem', identity.ca),
  };
  const config: RouterConfig = {
    region: identity.name,
    stateFile: join(folder, 'router.json'),
    socketPath: join(folder, 'router.sock'),
    http: here,
    ingress: { ...here, ...files },
    trustedProxies: [],
  };
  const path = file('router-config.json', JSON.stringify(config));
  const router = spawnGroup(process.execPath, [join(projectRoot, 'src/router/main.ts'), path]);
  ends.defer(router.end);
  const [line] = await router.spawned.says(/\{"ready".*\}/);
  return { ports: (JSON.parse(line) as { ports: Ports }).ports, socketPath: config.socketPath };
}
