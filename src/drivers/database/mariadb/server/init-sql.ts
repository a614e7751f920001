import type { DatabaseInstance } from '../../contract.ts';
import { account, literal } from '../wire/sql.ts';

/**
 * Run by the server itself at every start, before it accepts anybody: Storky's account is there with its password. One
 * statement a line, as the server wants it; not logged, so that it stays here.
 */
export function initSql({ adminUser, adminPassword }: DatabaseInstance): string {
  const admin = account(adminUser, '127.0.0.1');
  return [
    'SET sql_log_bin = 0',
    `CREATE USER IF NOT EXISTS ${admin} IDENTIFIED BY ${literal(adminPassword)}`,
    `ALTER USER ${admin} IDENTIFIED BY ${literal(adminPassword)} ACCOUNT UNLOCK`,
    `GRANT ALL PRIVILEGES ON *.* TO ${admin} WITH GRANT OPTION`,
  ]
    .map((statement) => `${statement};\n`)
    .join('');
}
