import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';
import type { DatabaseInstance } from '../../contract.ts';
import { tlsOf } from './tls.ts';

export type Client = Redis;

export interface Address {
  host: string;
  port: number;
  user: string;
  password: string;
  tls?: ConnectionOptions;
  /** Of an account that a server in a container forgets when it is started anew: makes it again. */
  again?: () => Promise<void>;
  /** A server that knows no passwords takes everybody for its owner: then it counts as whom it has let in. */
  exactly?: boolean;
}

export function adminOf(instance: DatabaseInstance): Address {
  const { host, port, adminUser: user, adminPassword: password } = instance;
  const tls = tlsOf(instance);
  const forgotten = instance.guest && user !== instance.user;
  return {
    host,
    port,
    user,
    password,
    ...(tls && { tls }),
    ...(forgotten && { again: () => again(instance), exactly: true }),
  };
}

/** Loaded when it is needed: what it does, it does by connections as these. */
const again = async (instance: DatabaseInstance) => (await import('../guest/again.ts')).remade(instance);

/** The server knows no such account, or another password. */
export const isUnknown = (error: Error): boolean => /^(WRONGPASS|NOAUTH)/.test(error.message);

/** As `connectOnce`; where the server has forgotten the account, it is made again first. */
export async function connect(address: Address, name: string): Promise<Client> {
  try {
    return await connectOnce(address, name);
  } catch (error) {
    if (!address.again || !isUnknown(error as Error)) throw error;
    await address.again();
    return await connectOnce(address, name);
  }
}

/**
 * One connection, authenticated; it never connects again by itself, since what was set up on it (a pause, a subscription)
 * would be gone without a word. Times out after 10 s.
 */
async function connectOnce(address: Address, name: string): Promise<Client> {
  const client = new Redis({
    host: address.host,
    port: address.port,
    username: address.user,
    password: address.password,
    ...(address.tls && { tls: address.tls }),
    connectionName: name,
    connectTimeout: 10_000,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // The client's own check waits for a replica's first copy to end; whoever needs that waits for it knowingly.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
  });
  // Without a listener, a server that goes away is an unhandled event; commands in flight reject by themselves.
  let complaint: Error | undefined;
  client.on('error', (error: Error) => {
    complaint = error;
  });
  try {
    await client.connect();
    await loggedIn(client, address);
    return client;
  } catch (error) {
    client.disconnect();
    throw complaint ?? error;
  }
}

/** The client does not wait for the answer to its AUTH. This command is answered while data is loaded, too. */
async function loggedIn(client: Client, { user, exactly }: Address): Promise<void> {
  if (exactly && (await client.call('ACL', 'WHOAMI')) !== user) throw new Error(`WRONGPASS ${user} was not let in`);
  await client.call('CLIENT', 'ID').catch((error: Error) => {
    if (!error.message.startsWith('NOPERM')) throw error;
  });
}

export async function withClient<T>(address: Address, name: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(address, name);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

export async function usable(client: Client | undefined): Promise<boolean> {
  if (!client) return false;
  return await client.call('CLIENT', 'ID').then(
    () => true,
    () => false,
  );
}

export type Command = readonly (string | number | Buffer)[];

/** One command, its answer as text, numbers and lists. */
export async function ask<T = unknown>(client: Client, ...[name, ...args]: Command): Promise<T> {
  return (await client.call(String(name), ...args)) as T;
}

/** All in one round trip, each for itself. Throws the first error. */
export async function askAll(client: Client, commands: readonly Command[]): Promise<unknown[]> {
  const pipeline = client.pipeline();
  for (const [name, ...args] of commands) pipeline.call(String(name), ...args);
  return answers(await pipeline.exec());
}

/** All in one moment: no other client's command comes between. Redis undoes nothing: one that fails leaves the others done. */
export async function atomically(client: Client, commands: readonly Command[]): Promise<unknown[]> {
  const transaction = client.multi();
  for (const [name, ...args] of commands) transaction.call(String(name), ...args);
  return answers(await transaction.exec());
}

function answers(results: [Error | null, unknown][] | null): unknown[] {
  if (!results) throw new Error('the transaction was discarded');
  for (const [error] of results) if (error) throw error;
  return results.map(([, answer]) => answer);
}
