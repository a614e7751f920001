import pg from 'pg';
import { databaseUrl } from './settings.js';

const patienceMs = 5000;

export const pool = new pg.Pool({
  connectionString: databaseUrl,
  max: 8,
  keepAlive: true,
  connectionTimeoutMillis: patienceMs,
  idleTimeoutMillis: 30_000,
});

// A connection may end while nobody uses it (restart, failover). The pool forgets it; without a listener Node would exit.
pool.on('error', (error) => console.error('database:', error.message));
// Nor may one that ends in the middle of a statement: whoever waits for that statement is told by it.
pool.on('connect', (client) => client.on('error', () => {}));

/**
 * One statement. Getting a connection is tried again for 5 s; the statement itself never is, because nobody can know
 * whether a write whose answer was lost was carried out.
 */
export async function query(text, values) {
  const client = await connect();
  let broken;
  try {
    return (await client.query(text, values)).rows;
  } catch (error) {
    // A refusal by the database has an SQLSTATE and leaves a usable connection, unless the server is going away (class 57P).
    broken = !/^[0-9A-Z]{5}$/.test(error.code ?? '') || error.code.startsWith('57P');
    throw error;
  } finally {
    client.release(broken);
  }
}

async function connect() {
  const giveUpAt = Date.now() + patienceMs;
  for (let pauseMs = 20; ; pauseMs *= 2) {
    try {
      return await pool.connect();
    } catch (error) {
      if (Date.now() + pauseMs > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
