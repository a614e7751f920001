import type { DatabaseInstance } from '../contract.ts';
import type { Client, Row } from './wire/connect.ts';

/** Users, roles and grants as the server keeps them, passwords hashed: what is asked → rows. Secret. */
export type Accounts = Record<string, Row[]>;

/** Of everybody but the system and Storky. On a server that others use too, none: the app's own is known. */
export const readAccounts = async (client: Client): Promise<Accounts> =>
  client.share ? {} : await client.dialect.readAccounts(client);

/** Makes the accounts here exactly those; what a container asks its own server with, at its own place, stays its own. */
export const replaceAccounts = (client: Client, accounts: Accounts, { guest }: DatabaseInstance): Promise<void> =>
  client.dialect.replaceAccounts(client, accounts, guest !== undefined);
