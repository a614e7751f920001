import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';

interface Instance {
  engine: string;
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
}

/** The four stores of the app in one region, as the app itself reaches them. */
export interface TallyPlace {
  postgres: pg.Client;
  mariadb: mysql.Connection;
  redis: Redis;
  notes: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** By what the region's agent keeps of the app: who looks is root on both machines. */
export async function openPlace(regionFolder: string): Promise<TallyPlace> {
  const folder = join(regionFolder, 'apps', 'tally');
  const { instances } = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8')) as { instances: Instance[] };
  const login = (engine: string) => {
    const { host, port, database, user, password } = instances.find((known) => known.engine === engine)!;
    return { host, port, database, user, password };
  };
  const postgres = new pg.Client(login('postgresql'));
  postgres.on('error', () => {}); // whoever asks next is told
  const redis = redisAt(login('redis'));
  const opening = mysql.createConnection(login('mariadb'));
  const close = async () => {
    redis.disconnect();
    await opening.then((mariadb) => mariadb.destroy()).catch(() => {});
    await postgres.end();
  };
  const opened = await Promise.allSettled([opening, postgres.connect(), redis.connect()]);
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    void close().catch(() => {});
    throw failed.reason;
  }
  const mariadb = await opening;
  mariadb.on('error', () => {});
  return {
    postgres,
    mariadb,
    redis,
    notes: join(folder, 'files', 'notes'),
    [Symbol.asyncDispose]: close,
  };
}

/** Asks once: who waits for a server that is away would wait for ever. */
export function redisAt({ host, port, user, password }: Omit<Instance, 'engine' | 'database'>): Redis {
  const redis = new Redis({ host, port, username: user, password, lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  return redis;
}
