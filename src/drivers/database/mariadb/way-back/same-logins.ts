import type { Client } from '../wire/connect.ts';

/**
 * Whoever may log in on the other side may here, and nobody else. While this side was sealed nobody could, so what the stream
 * brought of locks, and of new names for accounts, came to nothing.
 */
export async function sameLogins(here: Client, there: Client): Promise<void> {
  const [ours, theirs] = [await here.query(here.dialect.accountLocks), await there.query(there.dialect.accountLocks)];
  const wanted = new Map(theirs.map(({ account, locked }) => [account!, locked]));
  const wrong = ours.filter(({ account, locked }) => wanted.has(account!) && wanted.get(account!) !== locked);
  for (const { account } of wrong) await here.query(here.dialect.setLock(account!, wanted.get(account!) ?? null));
  if (wrong.length > 0) await here.query('FLUSH PRIVILEGES');
}
