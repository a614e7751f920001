import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';

export interface Account {
  uid: number;
  gid: number;
}

export const accountName = 'storky';

/**
 * The account under which apps and databases run: `storky` when we are root (made if it is missing; servers such as
 * PostgreSQL refuse to run as root), else undefined, which means our own.
 */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return find() ?? create();
}

/** Gives one path to the account; does nothing where we are not root. Not recursive. */
export function giveToAccount(path: string): void {
  const account = unprivilegedAccount();
  if (account) chownSync(path, account.uid, account.gid);
}

let known: Account | undefined;

function find(): Account | undefined {
  if (known) return known;
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, accountName], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    known = { uid: id('-u'), gid: id('-g') };
    return known;
  } catch {
    return undefined;
  }
}

function create(): Account | undefined {
  execFileSync(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', accountName],
    { stdio: 'ignore' },
  );
  return find();
}
