import { randomBytes } from 'node:crypto';
import type { DatabaseInstance } from '../../contract.ts';
import type { Client } from '../wire/connect.ts';
import { account, grantable, literal } from '../wire/sql.ts';
import { partsOf } from './rights.ts';

const places = [
  ['VIEWS', 'TABLE_SCHEMA'],
  ['TRIGGERS', 'TRIGGER_SCHEMA'],
  ['ROUTINES', 'ROUTINE_SCHEMA'],
  ['EVENTS', 'EVENT_SCHEMA'],
] as const;

/** Who made what acts in somebody's name: without these accounts it would not run any more. */
export async function definersOf(client: Client, schemas: string[]): Promise<string[]> {
  if (schemas.length === 0) return [];
  const list = schemas.map(literal).join(', ');
  const answers = await client.batch(
    ...places.map(
      ([table, column]) => `SELECT DISTINCT DEFINER AS d FROM information_schema.${table} WHERE ${column} IN (${list})`,
    ),
  );
  return [...new Set(answers.flat().map(({ d }) => d!))].sort();
}

/**
 * The accounts of a server that is this app's alone, after a copy of a database from one that was not: the app's, with its
 * password, and the definers, who have the database and cannot log in. Idempotent.
 */
export async function makeAccounts(client: Client, instance: DatabaseInstance, definers: string[]): Promise<void> {
  const { user, password, database } = instance;
  const rights = `GRANT ALL PRIVILEGES ON ${grantable(database)}.* TO`;
  const own = [[user, '%'] as [string, string], ...definers.map(partsOf)];
  for (const [name, host] of own) {
    const named = host === '' ? literal(name) : account(name, host);
    if (host === '') await client.query(`CREATE ROLE IF NOT EXISTS ${named}`);
    else if (name === user) await client.query(`CREATE OR REPLACE USER ${named} IDENTIFIED BY ${literal(password)}`);
    else {
      const nobodys = literal(randomBytes(24).toString('base64url'));
      await client.query(`CREATE USER IF NOT EXISTS ${named} IDENTIFIED BY ${nobodys} ACCOUNT LOCK`);
    }
    await client.query(`${rights} ${named}`);
  }
}
