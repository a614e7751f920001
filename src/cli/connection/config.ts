import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import type { Io } from '../io.ts';

const Server = z.object({
  token: z.string(),
  /** The server's own certificate authority, PEM; null where the system's authorities vouch for it. */
  ca: z.string().nullable(),
});
const Config = z.object({
  current: z.string().nullable().default(null),
  servers: z.record(z.string(), Server).default({}),
});
type Config = z.infer<typeof Config>;
type KnownServer = z.infer<typeof Server>;

export function configPath({ env }: Pick<Io, 'env'>): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'storky', 'config.json');
}

export const readConfig = (io: Pick<Io, 'env'>): Config => Config.parse(readJson(configPath(io)) ?? {});

/** Remembers the server and makes it the current one. The file holds tokens: nobody else may read it. */
export function rememberServer(io: Pick<Io, 'env'>, address: string, server: KnownServer): void {
  const config = readConfig(io);
  writeJsonAtomic(configPath(io), { current: address, servers: { ...config.servers, [address]: server } }, 0o600);
}
