import { log } from '../../../../base/log.ts';
import { storkySchema } from '../names.ts';
import { createSealTable } from '../source/seal.ts';
import { endSession } from '../source/sessions.ts';
import { storkyTables } from '../storky-schema.ts';
import { type Address, type Client, connect, disconnect, errnoOf } from '../wire/connect.ts';
import { account, literal } from '../wire/sql.ts';
import { partsOf } from './rights.ts';

/** The right is not there: for a database, a table, a statement, a session of somebody else. */
const denied = (error: unknown) => [1044, 1095, 1142, 1143, 1227].includes(errnoOf(error) ?? 0);
/** Locked, dropped, or with another password. */
const cannotLogIn = (error: unknown) => [1045, 4151].includes(errnoOf(error) ?? 0);

/**
 * The app's accounts on a server that others use too, which are all that is shut out of it. A session as the app goes with
 * this: an administrator without a right of its own may end no other, but the app may end its own.
 */
export class AppAccounts {
  readonly #admin: Client;
  readonly #app: Client | undefined;

  private constructor(admin: Client, app: Client | undefined) {
    this.#admin = admin;
    this.#app = app;
  }

  static async open(admin: Client, address: Address): Promise<AppAccounts> {
    const { user, password } = address.share!;
    const app = await connect({ ...address, user, password: password ?? '' }).catch((error) => {
      if (cannotLogIn(error)) return undefined;
      throw error;
    });
    return new AppAccounts(admin, app);
  }

  /** They can log in no more, which is remembered first and outlives a restart of the server (invariant 6). */
  async lock(remember: () => void): Promise<void> {
    const accounts = await this.#accounts();
    const rows = accounts.map((one) => `(${literal(one)}, 0)`);
    if (rows.length > 0)
      await this.#admin.query(`INSERT IGNORE INTO ${storkySchema}.sealed_account VALUES ${rows.join(', ')}`);
    remember();
    if (accounts.length > 0) await this.#admin.query(`ALTER USER ${accounts.join(', ')} ACCOUNT LOCK`);
    await this.#endSessions();
  }

  /** Resolves when every session of the app is gone: until then the table locks must stay. Throws after 30 s. */
  async gone(): Promise<void> {
    for (const end = Date.now() + 30_000; Date.now() < end; ) {
      if (!(await this.#endSessions())) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('a session of the app does not end');
  }

  /** Of all hosts, where the administrator may see that, and are not locked for another reason; else the one of this host. */
  async #accounts(): Promise<string[]> {
    const user = literal(this.#admin.share!.user);
    try {
      const rows = await this.#admin.query(
        `SELECT User AS user, Host AS host FROM mysql.global_priv WHERE User = ${user}
          AND COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) <> 1 AND COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) <> 1`,
      );
      return rows.map(({ user: name, host }) => account(name!, host!));
    } catch (error) {
      if (!denied(error)) throw error;
    }
    const self = await this.#app?.value('SELECT CURRENT_USER()');
    return self ? [account(...partsOf(self))] : [];
  }

  async #endSessions(): Promise<boolean> {
    const sessions = await this.#admin.query(
      `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ${literal(this.#admin.share!.user)} AND ID <> ${this.#app?.threadId ?? 0}`,
    );
    await Promise.all(sessions.map(({ id }) => this.#end(id!)));
    return sessions.length > 0;
  }

  async #end(id: string): Promise<void> {
    await endSession(this.#admin, id).catch((error) => {
      if (this.#app && denied(error)) return endSession(this.#app, id);
      throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disconnect(this.#app);
  }
}

/** The seal where no fence holds the tables. What the account may not do is left undone, and said: nothing follows from here. */
export async function sealShare(client: Client, address: Address, remember: () => void): Promise<void> {
  await using accounts = await AppAccounts.open(client, address);
  try {
    await client.batch(...createSealTable);
    await accounts.lock(remember);
    await accounts.gone();
  } catch (error) {
    if (!denied(error)) throw error;
    remember();
    log.warn({ detail: (error as Error).message }, 'the database that was left is not closed to the app');
  }
}

/** Those of the app's accounts that a seal has locked may log in again. Idempotent. */
export async function unsealShare(client: Client): Promise<void> {
  if (!(await storkyTables(client)).has('sealed_account')) return;
  const remembered = await client.query(`SELECT account FROM ${storkySchema}.sealed_account`);
  // Another app's database may be on the same server.
  const own = remembered.flatMap(({ account: one }) =>
    one!.startsWith(`${literal(client.share!.user)}@`) ? [one!] : [],
  );
  for (const one of own) {
    // An account that was dropped meanwhile is no reason to keep the others out.
    await client.query(`ALTER USER ${one} ACCOUNT UNLOCK`).catch((error) => {
      if (errnoOf(error) !== 1396) throw error;
    });
    await client.query(`DELETE FROM ${storkySchema}.sealed_account WHERE account = ${literal(one)}`);
  }
}
