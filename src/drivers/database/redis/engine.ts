import type { DatabaseEngine, DatabaseInstance } from '../contract.ts';
import { adopt } from './external/adopt.ts';
import { dial } from './external/dial.ts';
import { checkOffer } from './external/offer.ts';
import { giveBack, take } from './external/take.ts';
import { ExternalTarget } from './external/target.ts';
import { guest } from './guest.ts';
import { recognise } from './recognise.ts';
import { installedVersions } from './server/binaries.ts';
import { plans } from './server/plans.ts';
import { provision } from './server/provision.ts';
import { destroyServer, serverRuns, startServer, stopServer } from './server/server.ts';
import { RedisSource } from './source/source-store.ts';
import { RedisTarget } from './target/target-store.ts';
import { RedisWayBack } from './target/way-back.ts';

export const engine: DatabaseEngine = {
  engine: 'redis',
  capabilities: { live: true, backup: true, transactional: false, upgrades: true },
  recognise,
  versions: installedVersions,
  plans: () => plans,
  provision,
  adopt,
  checkOffer,
  take,
  giveBack,
  dial,
  guest,
  start: (instance) => startServer(instance),
  stop: (instance) => stopServer(instance),
  running: serverRuns,
  destroy: destroyServer,
  environment,
  source: (instance) => new RedisSource(instance),
  target: (instance) => (instance.external ? new ExternalTarget(instance) : new RedisTarget(instance)),
  wayBack: (instance) => new RedisWayBack(instance),
};

/** Databases of Redis have numbers; the app begins in the first, and may use all. */
function environment({ host, port, user, password, external }: DatabaseInstance): Record<string, string> {
  const scheme = external?.parameters.tls === 'yes' ? 'rediss' : 'redis';
  const url = `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/0`;
  return { url, host, port: String(port), user, password, database: '0' };
}
