import { createServer } from 'node:http';
import mysql from 'mysql2/promise';

const { PORT, HOST = '127.0.0.1', DATABASE_URL, REGION_NAME } = process.env;
const pool = mysql.createPool({ uri: DATABASE_URL, connectionLimit: 8 });

// On a copy that may not be written yet, the tables are there already.
const [there] = await pool.query(`SHOW TABLES LIKE 'signed'`);
if (there.length === 0) {
  await pool.query('CREATE TABLE signed (number BIGINT AUTO_INCREMENT PRIMARY KEY, id VARCHAR(40) NOT NULL UNIQUE)');
  await pool.query('CREATE TABLE pages (page INT PRIMARY KEY, lines_on INT NOT NULL)');
  await pool.query('INSERT INTO pages VALUES (1, 0)');
  await pool.query(
    'CREATE TRIGGER counting AFTER INSERT ON signed FOR EACH ROW UPDATE pages SET lines_on = lines_on + 1',
  );
}

async function sign(id) {
  const [{ insertId }] = await pool.execute('INSERT INTO signed (id) VALUES (?)', [id]);
  return insertId;
}

const server = createServer(async (request, response) => {
  try {
    const [, verb, id] = request.url.split('/');
    const number = verb === 'sign' ? await sign(id) : await pool.query('SELECT 1').then(() => 0);
    response.writeHead(number ? 201 : 200).end(JSON.stringify({ number, region: REGION_NAME }));
  } catch (error) {
    console.error(error.message);
    response.writeHead(500).end(error.message);
  }
});
server.listen(PORT, HOST, () => console.log(`listening on ${PORT}`));

// In a container nobody else ends it: what was asked is answered first.
process.on('SIGTERM', () => server.close(() => process.exit(0)));
