import { Client } from 'pg';
import { onTestFinished } from 'vitest';

/** Statements one by one; the rows of the last. */
export async function sql<Row = Record<string, unknown>>(url: string, ...statements: string[]): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows as Row[];
  } finally {
    await client.end();
  }
}

/** A session that stays open, to hold a transaction in; it ends with the test. */
export async function session(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

/** A table of so many megabytes, for copies that take a while. */
export async function grow(url: string, megabytes: number): Promise<void> {
  await sql(
    url,
    `CREATE TABLE catalogue AS SELECT i AS id, repeat(md5(i::text), 30) AS text FROM generate_series(1, ${megabytes * 1_000}) i`,
    'ALTER TABLE catalogue ADD PRIMARY KEY (id)',
  );
}
