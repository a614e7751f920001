import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { tlsOf } from './tls.ts';

export type Client = pg.Client;

export interface Address {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  ssl?: ConnectionOptions | false;
}

/** Storky's own account; the app's database unless another is named. */
export function adminOf(instance: DatabaseInstance, database = instance.database): Address {
  const { host, port, adminUser: user, adminPassword: password, external } = instance;
  return { host, port, user, password, database, ssl: external ? tlsOf(external) : false };
}

/** A session in another database than the app's, for what is done to that one as a whole. */
export const besides = (instance: DatabaseInstance): Address =>
  adminOf(instance, instance.database === 'postgres' ? 'template1' : 'postgres');

export interface ConnectOptions {
  name?: string;
  /** Speaks the replication protocol as well. */
  replication?: boolean;
  /** Settings of the session. */
  settings?: Record<string, string | number>;
}

/** What makes a session's text the same everywhere; the search path is empty so that every name is printed in full. */
export const plainText = {
  search_path: '',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: 3,
  bytea_output: 'hex',
} as const;

/** Times out after 10 s; a session is never ended by the server for being slow or idle. */
export async function connect(address: Address, options: ConnectOptions = {}): Promise<Client> {
  const settings = {
    statement_timeout: 0,
    lock_timeout: 0,
    idle_in_transaction_session_timeout: 0,
    // Whatever the app chose for its database: what Storky commits is on disk when it says so.
    synchronous_commit: 'on',
    ...options.settings,
  };
  const config = {
    ...address,
    ssl: address.ssl ?? false,
    application_name: options.name ?? 'storky',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    replication: options.replication ? 'database' : undefined,
    options: Object.entries(settings)
      .map(([k, v]) => `-c ${k}=${escapeOption(String(v))}`)
      .join(' '),
  };
  const client = new pg.Client(config as pg.ClientConfig);
  // Without a listener, a server that goes away would end this process; queries in flight reject by themselves.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    void client.end().catch(() => {});
    throw error;
  }
  return client;
}

export async function withClient<T>(
  address: Address,
  use: (client: Client) => Promise<T>,
  options: ConnectOptions = {},
): Promise<T> {
  const client = await connect(address, options);
  try {
    return await use(client);
  } finally {
    await disconnect(client);
  }
}

/** Major version of the server. */
export async function versionOf(client: Client): Promise<number> {
  const { rows } = await client.query('SHOW server_version_num');
  return Math.floor(Number(rows[0].server_version_num) / 10_000);
}

/** Never throws; a session that does not answer is cut after a second. */
export async function disconnect(client: Client | undefined): Promise<void> {
  if (!client) return;
  const cut = setTimeout(() => socketOf(client).destroy(), 1000);
  await client.end().catch(() => {});
  clearTimeout(cut);
}

export async function transaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** The socket under a client; for forwarding raw bytes and for cutting. */
export function socketOf(client: Client): import('node:net').Socket {
  return (client as unknown as { connection: { stream: import('node:net').Socket } }).connection.stream;
}

/** SQLSTATE of a server's error, else undefined. */
export const stateOf = (error: unknown): string | undefined =>
  error instanceof Error && !(error instanceof StorkyError) ? (error as pg.DatabaseError).code : undefined;

const escapeOption = (value: string) => value.replace(/([\\ ])/g, '\\$1');
