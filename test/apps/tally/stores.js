import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';

/** What was sent and not answered may have been done: sent again by itself, it would be done twice. */
export const openRedis = (url) => new Redis(url, { autoResendUnfulfilledCommands: false });

export async function openStores({ POSTGRES_URL, MARIADB_URL, REDIS_URL, NOTES }) {
  const redis = openRedis(REDIS_URL);
  const postgres = new pg.Pool({ connectionString: POSTGRES_URL, max: 8 });
  const mariadb = mysql.createPool({ uri: MARIADB_URL, connectionLimit: 8 });
  for (const store of [redis, postgres]) store.on('error', (error) => console.error(error.message));
  await makeTables(postgres, mariadb);
  const ping = () =>
    Promise.all([redis.ping(), postgres.query('SELECT 1'), mariadb.query('SELECT 1')]).then(() => 'well');
  return { redis, postgres, mariadb, notes: NOTES, ping };
}

/** The ids are not unique by a rule, so that one that comes twice shows. On a copy the tables are there already. */
async function makeTables(postgres, mariadb) {
  const { rows } = await postgres.query(`SELECT to_regclass('tallied') IS NOT NULL AS there`);
  if (!rows[0].there)
    await postgres.query(
      'CREATE TABLE tallied (n bigserial PRIMARY KEY, id text NOT NULL); CREATE INDEX ON tallied (id)',
    );
  const [there] = await mariadb.query(`SHOW TABLES LIKE 'tallied'`);
  if (there.length === 0)
    await mariadb.query(
      'CREATE TABLE tallied (n BIGINT AUTO_INCREMENT PRIMARY KEY, id VARCHAR(80) NOT NULL, KEY (id)) ENGINE=InnoDB',
    );
}

/** By the letters that an id ends with. In Redis it is a count, and a job for the worker. */
const write = {
  p: ({ postgres }, id) => postgres.query('INSERT INTO tallied (id) VALUES ($1)', [id]),
  m: ({ mariadb }, id) => mariadb.execute('INSERT INTO tallied (id) VALUES (?)', [id]),
  async r({ redis }, id) {
    const results = await redis.multi().incr(`count:${id}`).incr('total').lpush('jobs', id).exec();
    for (const [error] of results) if (error) throw error;
  },
  async f({ notes }, id) {
    await writeFile(join(notes, `${id}.part`), id);
    await rename(join(notes, `${id}.part`), join(notes, id));
  },
};

/** Each write begins when the one before it was confirmed: it is that one's effect. The order is what the id ends with. */
export async function tally(stores, id) {
  for (const store of id.split('-').at(-1)) await write[store](stores, id);
}

/** How often the id is in each store. */
export async function timesIn({ postgres, mariadb, redis, notes }, id) {
  const [p, [[m]], r, f] = await Promise.all([
    postgres.query('SELECT count(*)::int AS times FROM tallied WHERE id = $1', [id]),
    mariadb.execute('SELECT count(*) AS times FROM tallied WHERE id = ?', [id]),
    redis.get(`count:${id}`),
    readFile(join(notes, id), 'utf8').catch(() => undefined),
  ]);
  return { p: p.rows[0].times, m: m.times, r: Number(r), f: f === id ? 1 : 0 };
}

/** A copy must not get files of its own, and has nothing that would refuse them: a database says whether it may go on. */
export const backgroundOrders = ordersOf('pmrf').filter((order) => !order.startsWith('f'));

function ordersOf(letters) {
  if (letters.length === 1) return [letters];
  return [...letters].flatMap((first) => ordersOf(letters.replace(first, '')).map((rest) => first + rest));
}
