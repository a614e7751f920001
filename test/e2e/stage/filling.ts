import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import { sql } from './database.ts';
import type { Region } from './region.ts';

/** Thousands of rows of about a kilobyte, and values of 20 MB. */
interface Rows {
  rows: number;
  wideValues: number;
}

/** What is put into an app's stores. Large files are counted in megabytes, small ones one by one. */
export interface Filling {
  postgresql?: Rows;
  mariadb?: Rows;
  redis?: Rows;
  largeFiles?: { solid: number; holes: number };
  smallFiles?: number;
}

const wide = 20_000_000;

/** Gives the number of rows and files. */
export async function fill(region: Region, app: string, filling: Filling): Promise<number> {
  const { postgresql, mariadb, redis, largeFiles, smallFiles = 0 } = filling;
  if (postgresql) await fillPostgres(region.databaseUrl(app, 'admin'), postgresql);
  if (mariadb) await fillMariadb(region, app, mariadb);
  if (redis) await fillRedis(region, app, redis);
  if (largeFiles) fillLargeFiles(region.treeFolder(app, 'data'), largeFiles);
  if (smallFiles) fillSmallFiles(region.treeFolder(app, 'data'), smallFiles);
  const rows = [postgresql, mariadb, redis].map((one) => (one ? one.rows * 1_000 + one.wideValues : 0));
  return rows.reduce((sum, one) => sum + one, smallFiles + (largeFiles ? 2 : 0));
}

async function fillPostgres(url: string, { rows, wideValues }: Rows): Promise<void> {
  await sql(
    url,
    'CREATE TABLE filling (id bigint PRIMARY KEY, text text)',
    'ALTER TABLE filling ALTER COLUMN text SET STORAGE EXTERNAL',
    `INSERT INTO filling SELECT n, repeat(md5(n::text), 31) FROM generate_series(1, ${rows * 1_000}) n`,
    `INSERT INTO filling SELECT -n, repeat(md5(n::text), ${wide / 32}) FROM generate_series(1, ${wideValues}) n`,
  );
}

async function fillMariadb(region: Region, app: string, { rows, wideValues }: Rows): Promise<void> {
  const { host, port, database, user, password } = region.document(app).instances[0]!;
  const client = await mysql.createConnection({ host, port, database, user, password });
  try {
    await client.query('CREATE TABLE filling (id BIGINT PRIMARY KEY, text LONGTEXT)');
    await client.query(`INSERT INTO filling SELECT seq, REPEAT(MD5(seq), 31) FROM seq_1_to_${rows * 1_000}`);
    await client.query(`INSERT INTO filling SELECT -seq, REPEAT(MD5(seq), ${wide / 32}) FROM seq_1_to_${wideValues}`);
  } finally {
    await client.end();
  }
}

async function fillRedis(region: Region, app: string, { rows, wideValues }: Rows): Promise<void> {
  const { host, port, user, password } = region.document(app).instances[0]!;
  const client = new Redis({ host, port, username: user, password });
  try {
    const script = `for n = 1, tonumber(ARGV[1]) do redis.call('SET', 'k' .. n, string.rep(redis.sha1hex(n), 25)) end`;
    await client.eval(script, 0, rows * 1_000);
    for (let n = 1; n <= wideValues; n++) await client.set(`wide${n}`, randomBytes(wide));
  } finally {
    client.disconnect();
  }
}

function fillLargeFiles(folder: string, { solid, holes }: NonNullable<Filling['largeFiles']>): void {
  const megabyte = 1_000_000;
  const full = openSync(join(folder, 'solid'), 'w');
  for (let n = 0; n < solid; n++) writeSync(full, randomBytes(megabyte));
  closeSync(full);
  const sparse = openSync(join(folder, 'sparse'), 'w');
  writeSync(sparse, 'begin');
  ftruncateSync(sparse, holes * megabyte);
  writeSync(sparse, 'end', holes * megabyte);
  closeSync(sparse);
}

/** Half of them in one folder. */
function fillSmallFiles(folder: string, count: number): void {
  const folders = Array.from({ length: 100 }, (_, n) => join(folder, n % 2 ? 'one' : `some-${n}`));
  for (const one of folders) mkdirSync(one, { recursive: true });
  for (let n = 0; n < count; n++) writeFileSync(join(folders[n % 100]!, `file-${n}`), `${n}`.repeat(20));
}
