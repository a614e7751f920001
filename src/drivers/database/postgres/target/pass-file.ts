import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount } from '../../../../base/account.ts';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { namesFor } from '../names.ts';
import type { Ticket } from '../ticket.ts';

type Place = Pick<DatabaseInstance, 'folder'>;

/**
 * Where the other side's database is not run by Storky, the stream reads with its administrator's password, which outlives
 * the move. A subscription would write it into this server's catalog and log; it stands in a file instead, which goes with it.
 */
export function withPassFile(instance: Place, ticket: Ticket): Ticket {
  if (ticket.role === namesFor(ticket.migration).role) return ticket;
  const path = pathOf(instance, ticket.migration);
  writeFileAtomic(path, `*:*:*:*:${ticket.password.replaceAll(/[\\:]/g, '\\$&')}\n`);
  chmodSync(path, 0o600);
  giveToAccount(path);
  return { ...ticket, passfile: path };
}

export const forgetPassword = (instance: Place, migration: string) =>
  rmSync(pathOf(instance, migration), { force: true });

const pathOf = ({ folder }: Place, migration: string) => join(folder, `${namesFor(migration).subscription}.pass`);
