import type { DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { engine } from '../../../src/drivers/database/mariadb/engine.ts';
import { adminOf, withClient } from '../../../src/drivers/database/mariadb/wire/connect.ts';
import type { Race } from './race.ts';
import { shell } from './shell.ts';

export const mariadbRace: Race = {
  engine,
  fill,
  peers: { 'mydumper|myloader': mydumper },
  settle: async () => {},
  contents,
};

/** One large table, some middling ones, many small ones; keys, secondary indexes, foreign keys. */
async function fill(source: DatabaseInstance, gigabytes: number): Promise<number> {
  const n = (count: number) => Math.round(count * gigabytes);
  const at = (start: string, step: string) => `TIMESTAMP '${start} 00:00:00' + INTERVAL seq ${step}`;
  return withClient(adminOf(source), async (client) => {
    await client.batch(
      'USE bench',
      'SET unique_checks = 0, foreign_key_checks = 0',
      'CREATE TABLE customers (id BIGINT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80) NOT NULL, name TEXT, created_at DATETIME NOT NULL, settings JSON, UNIQUE KEY (email))',
      `INSERT INTO customers (email, name, created_at, settings) SELECT CONCAT(MD5(seq), '@example.org'), CONCAT('Customer ', seq), ${at('2020-01-01', 'MINUTE')}, JSON_OBJECT('n', seq, 'lang', 'fr') FROM seq_1_to_${n(300_000)}`,
      `CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer BIGINT NOT NULL, status VARCHAR(10) NOT NULL, total DECIMAL(12, 2) NOT NULL, note TEXT, placed_at DATETIME(6) NOT NULL,
        KEY (customer), KEY (placed_at), KEY (status, placed_at), FOREIGN KEY (customer) REFERENCES customers (id))`,
      `INSERT INTO orders (customer, status, total, note, placed_at) SELECT 1 + seq MOD ${n(300_000)}, ELT(1 + seq MOD 3, 'new', 'paid', 'sent'), (seq MOD 9999) / 7.0, CONCAT(MD5(seq), MD5(seq * 3)), ${at('2021-01-01', 'SECOND')} FROM seq_1_to_${n(2_600_000)}`,
      'CREATE TABLE items (order_id BIGINT NOT NULL, line INT NOT NULL, sku VARCHAR(20) NOT NULL, amount INT NOT NULL, PRIMARY KEY (order_id, line), KEY (sku), FOREIGN KEY (order_id) REFERENCES orders (id))',
      `INSERT INTO items SELECT 1 + seq DIV 2, seq MOD 2, CONCAT('sku-', seq MOD 5000), seq MOD 9 FROM seq_1_to_${n(2_400_000)}`,
      'CREATE TABLE documents (id CHAR(36) CHARACTER SET ascii PRIMARY KEY, body MEDIUMTEXT, data MEDIUMBLOB)',
      `INSERT INTO documents SELECT UUID(), REPEAT(MD5(seq), 60), REPEAT(UNHEX(MD5(seq)), 60) FROM seq_1_to_${n(20_000)}`,
    );
    for (let t = 1; t <= 8; t++)
      await client.batch(
        `CREATE TABLE small_${t} (id INT PRIMARY KEY, v VARCHAR(40), at DATETIME, KEY (v))`,
        `INSERT INTO small_${t} SELECT seq, MD5(seq), NOW() FROM seq_1_to_${n(50_000)}`,
      );
    return Number(
      await client.value(
        `SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'bench'`,
      ),
    );
  });
}

/** Without foreign key checks, as both are by nature. */
async function mydumper(source: DatabaseInstance, target: DatabaseInstance, work: string): Promise<void> {
  const login = (i: DatabaseInstance) =>
    `--host ${i.host} --port ${i.port} --user ${i.adminUser} --password '${i.adminPassword}'`;
  await shell(
    `mydumper ${login(source)} --threads 2 --database bench --rows 500000 --outputdir ${work}/d
    myloader ${login(target)} --threads 2 --database bench --overwrite-tables --directory ${work}/d`,
  );
}

function contents(instance: DatabaseInstance): Promise<string> {
  return withClient(adminOf(instance), async (client) =>
    JSON.stringify(
      await client.batch(
        'SELECT (SELECT COUNT(*) FROM bench.orders) AS o, (SELECT COUNT(*) FROM bench.items) AS i, (SELECT COUNT(*) FROM bench.documents) AS d',
        `SELECT COUNT(*) AS n FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'bench'`,
        `SELECT COUNT(*) AS n FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = 'bench'`,
      ),
    ),
  );
}
