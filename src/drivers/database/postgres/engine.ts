import type { DatabaseEngine, DatabaseInstance } from '../contract.ts';
import { adopt } from './external/adopt.ts';
import { dial } from './external/dial.ts';
import { checkFollower, checkOffer } from './external/offer.ts';
import { giveBack, take } from './external/take.ts';
import { guest } from './guest.ts';
import { recognise } from './recognise.ts';
import { installedVersions } from './server/binaries.ts';
import { following } from './server/following.ts';
import { plans } from './server/plans.ts';
import { provision, start } from './server/provision.ts';
import { destroyServer, serverRuns, stopServer } from './server/server.ts';
import { PostgresSource } from './source/source-store.ts';
import { PostgresTarget } from './target/target-store.ts';
import { PostgresWayBack } from './way-back/way-back.ts';

export const engine: DatabaseEngine = {
  engine: 'postgresql',
  capabilities: { live: true, backup: true, transactional: true, upgrades: true },
  recognise,
  versions: installedVersions,
  plans: () => plans,
  provision,
  adopt,
  checkOffer,
  checkFollower,
  take,
  giveBack,
  dial,
  following,
  guest,
  start,
  stop: (instance) => stopServer(instance),
  running: serverRuns,
  destroy: destroyServer,
  environment,
  source: (instance) => new PostgresSource(instance),
  target: (instance) => new PostgresTarget(instance),
  wayBack: (instance) => new PostgresWayBack(instance),
};

function environment(instance: DatabaseInstance): Record<string, string> {
  const { host, port, user, password, database, external } = instance;
  const part = encodeURIComponent;
  const at = host.includes(':') ? `[${host}]` : host;
  const query = external ? `?${new URLSearchParams(external.parameters)}` : '';
  const url = `postgresql://${part(user)}:${part(password)}@${at}:${port}/${part(database)}${query}`;
  return { url, host, port: String(port), user, password, database };
}
