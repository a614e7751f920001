import type { Finding } from '../../../store.ts';
import type { Offer } from '../../contract.ts';
import { byLine, installedVersions } from '../server/binaries.ts';
import { adminOf, ask, type Client, withClient } from '../wire/connect.ts';
import { infoOf, keyspaceOf } from '../wire/info.ts';
import { reached } from './adopt.ts';
import { ifAllowed } from './refusals.ts';
import { checkRightsToFill } from './rights.ts';

/** What the preflight of a move wants to know of the server that it shall fill. */
export async function checkOffer({ addon, address, version }: Offer): Promise<Finding[]> {
  const instance = await reached({ addon, address, app: '', user: '', password: '', folder: '' });
  const findings = await withClient(adminOf(instance), 'storky offer', async (client) => [
    await isEmpty(client),
    await isMaster(client),
    ...(await checkRightsToFill(client, instance)),
  ]);
  return [...findings, newEnough(instance.version, version), await canUnpack(version)];
}

const finding = (id: string, good: boolean, detail: string, remedy: string): Finding => ({
  id,
  verdict: good ? 'pass' : 'fail',
  detail,
  remedy: good ? null : remedy,
});

async function isEmpty(client: Client): Promise<Finding> {
  const [some] = await contentsOf(client);
  return finding('empty', some === undefined, some ?? 'the server is empty', 'Give the address of an empty server.');
}

/** Whatever somebody has put there, in words. */
export async function contentsOf(client: Client): Promise<string[]> {
  const keys = keyspaceOf(await infoOf(client, 'keyspace')).map(({ db, keys }) => `${keys} keys in database ${db}`);
  const libraries = (await ifAllowed(ask<unknown[]>(client, 'FUNCTION', 'LIST'))) ?? [];
  return libraries.length > 0 ? [...keys, `${libraries.length} libraries of functions`] : keys;
}

async function isMaster(client: Client): Promise<Finding> {
  const { role, cluster_enabled: cluster } = await infoOf(client, 'replication', 'cluster');
  const is = cluster === '1' ? 'it is a cluster' : `its role is ${role}`;
  return finding(
    'master',
    role === 'master' && cluster !== '1',
    is,
    'Give the address of a master that is no cluster.',
  );
}

const newEnough = (there: string, here: string | null): Finding =>
  finding(
    'version',
    here === null || byLine(there, here) >= 0,
    here === null ? `it is ${there}` : `${here} comes into ${there}`,
    'Give a server of the same version or a newer one.',
  );

/** A snapshot is read by a server of this host, and goes key by key from there. */
async function canUnpack(version: string | null): Promise<Finding> {
  const newest = (await installedVersions()).at(-1);
  return finding(
    'redis-server',
    newest !== undefined && (version === null || byLine(newest, version) >= 0),
    newest ? `redis-server ${newest} of this host reads the snapshot` : 'there is no redis-server on this host',
    `Install redis-server ${version ?? ''} or later on this host.`,
  );
}
