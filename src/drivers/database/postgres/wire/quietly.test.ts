import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { importRoles, readSurroundings } from '../roles.ts';
import { createSubscription } from '../target/subscription.ts';
import { Pair } from '../testing/pair.ts';
import { readTicket } from '../ticket.ts';

const pair = new Pair();
const nowhere = { host: '127.0.0.1', port: 1, openStream: () => Promise.reject(new Error('a port')) };

/** The servers log every statement, and what it is given. */
beforeAll(async () => {
  await pair.begin('CREATE TABLE t (id int PRIMARY KEY)', {
    settings: { log_statement: 'all', log_min_duration_statement: '0', log_parameter_max_length_on_error: '-1' },
  });
}, 60_000);
afterAll(() => pair.dispose());

const logOf = ({ folder }: DatabaseInstance) =>
  readdirSync(join(folder, 'log'))
    .map((name) => readFileSync(join(folder, 'log', name), 'utf8'))
    .join('\n');
const secretsIn = (instance: DatabaseInstance, secrets: string[]) => {
  const log = logOf(instance);
  expect(log).toMatch(/statement: /);
  return secrets.filter((secret) => log.includes(secret));
};

test('no password gets into the log of a server, whatever it logs', async () => {
  await pair.prepareWayBack();
  await pair.switchOver();
  await pair.beginWayBack();
  await pair.follow();
  const verifier = (await readSurroundings(await pair.client(pair.a, 'admin'))).roles[0]!.password!;
  expect(verifier).toMatch(/^SCRAM/);
  const secrets = [pair.stream.ticket.password as string, pair.first.password as string, verifier];
  expect(secretsIn(pair.a, secrets)).toEqual([]);
  expect(secretsIn(pair.b, secrets)).toEqual([]);
}, 60_000);

test('… nor when the statement fails', async () => {
  const admin = await pair.client(pair.b, 'admin');
  const ticket = { ...readTicket(pair.stream.ticket), password: 'hush-1' };
  await expect(createSubscription(admin, ticket, nowhere, true)).rejects.toThrow();
  const surroundings = await readSurroundings(admin);
  const roles = [{ ...surroundings.roles[0]!, attributes: 'NONSENSE', password: 'hush-2' }];
  await expect(importRoles(admin, { ...surroundings, roles })).rejects.toThrow(/NONSENSE/i);
  await expect(admin.query(`ALTER ROLE nobody PASSWORD 'loud'`)).rejects.toThrow();
  // The server's log is written by a process of its own, in its order.
  await waitFor(() => logOf(pair.b).includes('loud'), { what: 'the log' });
  expect(secretsIn(pair.b, ['hush-1', 'hush-2', 'loud'])).toEqual(['loud']);
});
