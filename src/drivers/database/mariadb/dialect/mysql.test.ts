/** What can be tested without a MySQL server: how its answers, as its manual prints them, are read, and what is refused. */
import { afterAll, describe, expect, test } from 'vitest';
import { engine, engines } from '../engine.ts';
import { mariadbProduct } from '../server/product-mariadb.ts';
import { mysqlProduct } from '../server/product-mysql.ts';
import { installed, Servers } from '../testing/servers.ts';
import { readTicket } from '../ticket.ts';
import { adminOf, type Client, connect, type Row } from '../wire/connect.ts';
import { mysql } from './mysql.ts';
import { withoutDefaultRole } from './mysql-accounts.ts';
import { dialectOf } from './of-server.ts';

const servers = new Servers();
afterAll(() => servers.dispose());

/** Takes statements down, and answers as it was told. */
function listener(answers: Record<string, Row[]> = {}): { client: Client; said: string[] } {
  const said: string[] = [];
  const query = (sql: string) => {
    said.push(sql.replaceAll(/\s+/g, ' '));
    return Promise.resolve(Object.entries(answers).find(([start]) => sql.startsWith(start))?.[1] ?? []);
  };
  const batch = (...statements: string[]) => Promise.all(statements.map(query));
  const value = async (sql: string) => Object.values((await query(sql))[0] ?? {})[0] ?? null;
  return { client: { query, batch, value, dialect: mysql('8.4') } as unknown as Client, said };
}

describe('which server it is', () => {
  test('is known by its greeting; an unknown one, an old one and the wrong one are refused', () => {
    expect(dialectOf('5.5.5-10.11.6-MariaDB-0+deb12u1').server).toBe('mariadb');
    expect(dialectOf('11.4.2-MariaDB-log', 'mariadb').server).toBe('mariadb');
    expect(dialectOf('8.0.36-0ubuntu0.22.04.1').endOfLog).toBe('SHOW MASTER STATUS');
    expect(dialectOf('8.4.2', 'mysql').endOfLog).toBe('SHOW BINARY LOG STATUS');
    for (const greeting of ['8.0.29', '5.7.44-log', '9.1.0', '8.1.0', 'PostgreSQL'])
      expect(() => dialectOf(greeting)).toThrow('neither MariaDB nor a MySQL');
    expect(() => dialectOf('10.11.6-MariaDB', 'mysql')).toThrow('is MariaDB, and MySQL was expected');
    expect(() => dialectOf('8.4.2', 'mariadb')).toThrow('is MySQL, and MariaDB was expected');
  });

  test('of programs too: a mysqld that is MariaDB is not taken for MySQL, nor the other way round', () => {
    const maria = 'mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)';
    const ubuntu = '/usr/sbin/mysqld  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))';
    const oracle = 'mysqld  Ver 8.4.0 for Linux on x86_64 (MySQL Community Server - GPL)';
    const old = 'mysqld  Ver 8.0.28 for Linux on x86_64 (MySQL Community Server - GPL)';
    expect([maria, ubuntu, oracle, old].map(mysqlProduct.seriesOf)).toEqual([undefined, '8.0', '8.4', undefined]);
    expect([maria, ubuntu, oracle].map(mariadbProduct.seriesOf)).toEqual(['10.11', undefined, undefined]);
  });

  test('a move from one to the other is refused in words', () => {
    const ticket = { engine: 'mysql', account: 'a' };
    expect(() => readTicket(ticket, 'mariadb')).toThrow(
      'MariaDB refused: it cannot follow MySQL, nor be followed by it',
    );
    expect(() => readTicket({ ...ticket, engine: 'mariadb' }, 'mysql')).toThrow(
      'MySQL refused: it cannot follow MariaDB',
    );
  });

  test.skipIf(!installed)(
    'MariaDB that answers where MySQL should is refused before anything is asked of it',
    async () => {
      const here = await servers.provision('here');
      const asked = connect({ ...adminOf(here), engine: 'mysql' });
      await expect(asked).rejects.toMatchObject({
        code: 'engine_refused',
        message: expect.stringContaining('MySQL was expected'),
      });
      const mysqlEngine = engines.find((one) => one.engine === 'mysql')!;
      await expect(mysqlEngine.source({ ...here, engine: 'mysql' }).check()).rejects.toMatchObject({
        code: 'engine_refused',
      });
    },
  );

  test('MySQL shows up only where its programs are, under a name of its own', async () => {
    expect(engines.map((one) => one.engine)).toEqual(['mariadb', 'mysql']);
    expect(engines[0]).toBe(engine);
    const versions = await engines[1]!.versions();
    expect(versions.every((series) => ['8.0', '8.4'].includes(series))).toBe(true);
  });
});

describe('answers of MySQL', () => {
  test('the state of a stream has the columns that the rest reads', () => {
    const row = mysql('8.4').streamRow({
      Replica_IO_State: 'Waiting for source to send event',
      Source_Host: '127.0.0.1',
      Source_User: 'storky_r_1',
      Source_Port: '13000',
      Source_Log_File: 'binlog.000002',
      Read_Source_Log_Pos: '927',
      Relay_Source_Log_File: 'binlog.000002',
      Replica_IO_Running: 'Yes',
      Replica_SQL_Running: 'Yes',
      Exec_Source_Log_Pos: '927',
      Seconds_Behind_Source: '0',
      Last_IO_Errno: '0',
      Last_SQL_Errno: '0',
      Last_IO_Error: '',
      Last_SQL_Error: '',
    });
    expect(row).toMatchObject({
      Master_Host: '127.0.0.1',
      Master_User: 'storky_r_1',
      Master_Port: '13000',
      Master_Log_File: 'binlog.000002',
      Read_Master_Log_Pos: '927',
      Relay_Master_Log_File: 'binlog.000002',
      Exec_Master_Log_Pos: '927',
      Slave_IO_Running: 'Yes',
      Slave_SQL_Running: 'Yes',
      Seconds_Behind_Master: '0',
      Last_IO_Errno: '0',
    });
  });

  test('a stream begins after what is not here yet, and after nothing else', async () => {
    const [ours, theirs] = ['3e11fa47-71ca-11e1-9e33-c80aa9429562', '24da1670-0c0c-11e5-a8f8-0800272cde1b'];
    const { client, said } = listener({ 'SELECT @@global.gtid_executed': [{ p: `${ours}:1-20,\n${theirs}:1-4` }] });
    await client.dialect.beginAt(client, `${theirs}:1-9,${ours}:1-12`);
    expect(said.at(-1)).toBe(`SET GLOBAL gtid_purged = '+${theirs}:5-9'`);
    await client.dialect.beginAt(client, `${ours}:1-20`);
    expect(said.filter((sql) => sql.startsWith('SET'))).toHaveLength(1);
  });

  test('a wait is never for ever, nor shorter than asked', () => {
    const wait = (seconds: number) => mysql('8.0').waitFor('x:1', seconds);
    expect([0, 0.2, 1.5].map(wait)).toEqual(
      [1, 1, 2].map((seconds) => `WAIT_FOR_EXECUTED_GTID_SET('x:1', ${seconds})`),
    );
  });

  test('changes of the structure are counted, however large the numbers', async () => {
    const { client } = listener({
      'SHOW GLOBAL STATUS': [
        { Variable_name: 'Com_alter_table', Value: '18446744073709551615' },
        { Variable_name: 'Com_create_table', Value: '2' },
      ],
    });
    expect(await client.dialect.ddlCount(client)).toBe('18446744073709551617');
  });

  test('accounts: a default role is said when it is there and granted; the hash is not touched', async () => {
    const created =
      "CREATE USER `jo``e`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24412430303524 DEFAULT ROLE `r1`@`%`,`r 2`@`%` REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK";
    const { create, roles } = withoutDefaultRole(`'jo\`e'@'%'`, created);
    expect(create).toBe(
      "CREATE USER `jo``e`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24412430303524 REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK",
    );
    expect(roles).toEqual(["SET DEFAULT ROLE `r1`@`%`,`r 2`@`%` TO 'jo`e'@'%'"]);
    const { client, said } = listener({
      'SELECT CONCAT': [{ account: `'jo\`e'@'%'` }],
      'SHOW CREATE USER': [{ 'CREATE USER for jo`e@%': created }],
      'SHOW GRANTS': [{ g: 'GRANT USAGE ON *.* TO `jo``e`@`%`' }, { g: 'GRANT `r1`@`%` TO `jo``e`@`%`' }],
    });
    const accounts = await client.dialect.readAccounts(client);
    said.length = 0;
    await client.dialect.replaceAccounts(client, accounts, false);
    expect(said.map((sql) => sql.split(' ').slice(0, 3).join(' '))).toEqual([
      `SELECT CONCAT(QUOTE(User), '@',`,
      `DROP USER 'jo\`e'@'%'`,
      'CREATE USER `jo``e`@`%`',
      'GRANT USAGE ON',
      'GRANT `r1`@`%` TO',
      'SET DEFAULT ROLE',
    ]);
  });

  test('who may write on a read-only server loses just that, and gets it back as it was', async () => {
    const { client } = listener({
      'SELECT CONCAT': [
        { account: `'boss'@'%'`, privilege: 'SUPER', grantable: 'YES' },
        { account: `'boss'@'%'`, privilege: 'CONNECTION_ADMIN', grantable: 'NO' },
      ],
    });
    const taken = await client.dialect.exemptions(client);
    expect(taken.map(({ revoke }) => revoke)).toEqual([
      `REVOKE SUPER ON *.* FROM 'boss'@'%'`,
      `REVOKE CONNECTION_ADMIN ON *.* FROM 'boss'@'%'`,
    ]);
    expect(taken.map(({ granted }) => client.dialect.grantBack(granted))).toEqual([
      `GRANT SUPER ON *.* TO 'boss'@'%' WITH GRANT OPTION`,
      `GRANT CONNECTION_ADMIN ON *.* TO 'boss'@'%'`,
    ]);
  });

  test('that it was never tried is said by the preflight, and by nothing of MariaDB', () => {
    expect(mysql('8.0').untried).toMatch(/never been run against a real MySQL server/);
    expect(dialectOf('10.11.6-MariaDB').untried).toBeUndefined();
  });
});

describe.skipIf(!installed)('statements that both servers share', () => {
  test('are understood by MariaDB', async () => {
    const here = await servers.provision('shared');
    const client = await connect(adminOf(here));
    const dialect = mysql('8.0');
    for (const statement of [
      dialect.endOfLog,
      'FLUSH TABLES WITH READ LOCK',
      'UNLOCK TABLES',
      dialect.logRetention,
      `KILL CONNECTION ${2 ** 31}`,
      "SELECT CONCAT(USER, ', thread ', ID, ', ', TIME, ' s') AS detail FROM information_schema.PROCESSLIST WHERE COMMAND = 'Query' AND TIME >= 1",
    ])
      await client.query(statement).catch((error) => expect(error.errno).toBe(1094));
    expect(await dialect.inTheWay(client)).toBeUndefined();
    expect(BigInt(await dialect.ddlCount(client))).toBeGreaterThan(0n);
    expect(await dialect.ddlCount(client)).toBe(await client.dialect.ddlCount(client));
    await client.end();
  });
});
