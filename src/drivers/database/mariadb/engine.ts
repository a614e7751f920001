import type { DatabaseEngine, DatabaseInstance } from '../contract.ts';
import { adopt } from './external/adopt.ts';
import { dial } from './external/dial.ts';
import { following } from './external/following.ts';
import { checkOffer } from './external/offer.ts';
import { giveBack, take } from './external/take.ts';
import { encryptionOf } from './external/tls.ts';
import { guestOf } from './guest.ts';
import { recogniseAs } from './recognise.ts';
import { installedVersions } from './server/binaries.ts';
import { plans } from './server/plans.ts';
import { provision } from './server/provision.ts';
import { destroyServer, serverRuns, startServer, stopServer } from './server/server.ts';
import { MariaDbSource } from './source/source-store.ts';
import { MariaDbTarget } from './target/target-store.ts';
import { MariaDbWayBack } from './way-back/way-back.ts';

export const engine = engineOf('mariadb');

/** Two servers that speak one protocol and, for the most part, one language; the other one is `dialect/mysql.ts`. */
export const engines: DatabaseEngine[] = [engine, engineOf('mysql')];

function engineOf(name: string): DatabaseEngine {
  return {
    engine: name,
    capabilities: { live: true, backup: true, transactional: true, upgrades: true },
    recognise: recogniseAs(name),
    versions: () => installedVersions(name),
    plans: () => plans,
    provision: (order) => provision(name, order),
    ...(name === 'mariadb' && { adopt, checkOffer, take, giveBack, dial, following }),
    guest: guestOf(name),
    start: startServer,
    stop: (instance) => stopServer(instance),
    running: serverRuns,
    destroy: destroyServer,
    environment,
    source: (instance) => new MariaDbSource(instance),
    target: (instance) => new MariaDbTarget(instance),
    wayBack: (instance) => new MariaDbWayBack(instance),
  };
}

function environment({ host, port, user, password, database, external }: DatabaseInstance): Record<string, string> {
  const part = encodeURIComponent;
  const at = host.includes(':') ? `[${host}]` : host;
  const query = external && encryptionOf(external) ? `?${new URLSearchParams(external.parameters)}` : '';
  const url = `mysql://${part(user)}:${part(password)}@${at}:${port}/${part(database)}${query}`;
  return { url, host, port: String(port), user, password, database };
}
