import type { Client } from './wire/connect.ts';
import { literal } from './wire/sql.ts';

/** A position in the logs: the last number of each domain. */
type Position = Map<string, string>;

const parse = (gtid: string): Position =>
  new Map(gtid.split(',').flatMap((one) => (one.trim() ? [[one.trim().split('-')[0]!, one.trim()]] : [])));

/**
 * Where the stream begins. What this server wrote itself is part of it, or the server would refuse: it could not tell
 * whether those numbers come again from somewhere else. The other side has none of them, and passes over them.
 */
export async function beginAt(client: Client, gtid: string): Promise<void> {
  const own = parse((await client.value('SELECT @@gtid_binlog_pos')) ?? '');
  const position = new Map([...own, ...parse(gtid)]);
  await client.query(`SET GLOBAL gtid_slave_pos = ${literal([...position.values()].join(','))}`);
}
