import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { StorkyError } from '../../protocol/errors.ts';
import type { GlobalOptions } from '../context.ts';
import { usage } from '../errors.ts';
import type { Io } from '../io.ts';
import { serverAddress } from './address.ts';
import { authorityWith } from './certificate.ts';
import { readConfig } from './config.ts';
import { fingerprintInToken, isFingerprint } from './fingerprint.ts';

export interface ServerToUse {
  address: string;
  token: string;
  /** PEM; undefined leaves it to the system's authorities. */
  ca: string | undefined;
}

/** Which server, as whom, and how it proves itself. An option counts before the environment, that before the config file. */
export async function serverToUse(io: Io, global: GlobalOptions): Promise<ServerToUse> {
  const config = readConfig(io);
  const named = global.server ?? io.env.STORKY_URL ?? config.current;
  if (!named) throw new StorkyError('no_server');
  const address = serverAddress(named);
  const known = config.servers[address];
  const token = io.env.STORKY_TOKEN || known?.token;
  if (!token)
    throw new StorkyError('no_server', {}, { cause: new Error(`${address} is not in the list of known servers`) });
  const ca = (await givenAuthority(io, address)) ?? known?.ca ?? (await authorityInToken(token, address));
  return { address, token, ca: ca ?? undefined };
}

async function givenAuthority({ env, cwd }: Io, address: string): Promise<string | undefined> {
  if (!env.STORKY_CA) return undefined;
  if (isFingerprint(env.STORKY_CA)) return authorityWith(env.STORKY_CA, address);
  try {
    return readFileSync(resolve(cwd, env.STORKY_CA), 'utf8');
  } catch {
    throw usage(
      `STORKY_CA is neither a SHA-256 fingerprint nor a file that can be read: ${env.STORKY_CA}`,
      'STORKY_CA',
    );
  }
}

async function authorityInToken(token: string, address: string): Promise<string | undefined> {
  const fingerprint = fingerprintInToken(token);
  return fingerprint && authorityWith(fingerprint, address);
}
