import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseInstance } from '../../contract.ts';
import { holdDdlTrigger, refuseDdlTrigger, refuseDropTrigger, storkySchema } from '../names.ts';
import { toolFor } from '../server/binaries.ts';
import { type Command, ended, run, start } from '../server/run.ts';
import type { CopyTicket, Ticket } from '../ticket.ts';
import type { Address } from '../wire/connect.ts';
import { qualified } from '../wire/sql.ts';

export interface SchemaDump {
  file: string;
  restore: Command;
}

const structureOnly = [
  '--schema-only',
  '--quote-all-identifiers',
  '--no-publications',
  '--no-subscriptions',
  '--no-tablespaces',
];

/** The structure as it was at the ticket's snapshot, in a file that a resumed copy finds again. */
export async function dumpSchema(
  ticket: CopyTicket,
  source: Address,
  instance: DatabaseInstance,
  signal: AbortSignal,
): Promise<SchemaDump> {
  const file = join(instance.folder, `schema-${ticket.id}.dump`);
  const restore = await toolFor(instance, 'pg_restore', ticket.version);
  if (existsSync(file)) return { file, restore };
  const dump = await toolFor(instance, 'pg_dump', ticket.version);
  mkdirSync(instance.folder, { recursive: true, mode: 0o700 }); // no server of ours has made it where somebody else runs it
  const what = [...structureOnly, '--format=custom', `--exclude-schema=${storkySchema}`];
  await using out = await open(`${file}.new`, 'w', 0o600);
  const child = start(dump, [...what, `--snapshot=${ticket.snapshot}`, `--dbname=${conninfo(source)}`], {
    env: { PGPASSWORD: source.password, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' },
    stdout: out.fd,
    signal,
  });
  await ended(child, dump);
  renameSync(`${file}.new`, file);
  return { file, restore };
}

/** The structure of single tables, with their indexes, constraints, partitions and owned sequences, as SQL text. */
export async function tablesSql(
  ticket: Ticket,
  source: Address,
  instance: DatabaseInstance,
  tables: { schema: string; name: string }[],
): Promise<string> {
  const dump = await toolFor(instance, 'pg_dump', ticket.version);
  const what = tables.map(({ schema, name }) => `--table=${qualified(schema, name)}`);
  const text = await run(dump, [...structureOnly, ...what, `--dbname=${conninfo(source)}`], {
    env: { PGPASSWORD: source.password },
  });
  const blocks = blocksOf(forOurServer(text, Number(instance.version)).join('\n'));
  return attachedLate(blocks)
    .map(({ sql }) => sql)
    .join('');
}

/** To a parent that has its keys and indexes already a partition comes with its own: else it would be given others first. */
function attachedLate(blocks: Block[]): Block[] {
  const attaching = blocks.filter(({ type }) => type === 'TABLE ATTACH');
  const others = blocks.filter(({ type }) => type !== 'TABLE ATTACH');
  const at = others.findLastIndex(({ type }) => ['TABLE', 'CONSTRAINT', 'INDEX', 'DEFAULT'].includes(type)) + 1;
  return others.toSpliced(at, 0, ...attaching);
}

/** One section as SQL text, without the meta-commands that only psql knows. */
export async function sectionSql(
  dump: SchemaDump,
  section: 'pre-data' | 'post-data',
  targetVersion: number,
): Promise<string> {
  await using input = await open(dump.file, 'r');
  const text = await run(dump.restore, [`--section=${section}`, '--file=-'], { stdin: input.fd });
  return forOurServer(text, targetVersion).join('\n');
}

function forOurServer(text: string, targetVersion: number): string[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('\\restrict ') && !line.startsWith('\\unrestrict '));
  return withoutUnknownSettings(withoutOurGrants(lines), targetVersion);
}

/** Before 14 the migration's role is granted every table; it is unknown on the target. */
const withoutOurGrants = (lines: string[]) => lines.filter((line) => !/^GRANT .* TO "storky_r_\w+";$/.test(line));

/** A newer pg_dump sets what an older server does not know. */
function withoutUnknownSettings(lines: string[], targetVersion: number): string[] {
  return targetVersion >= 17 ? lines : lines.filter((line) => line !== 'SET transaction_timeout = 0;');
}

export interface Block {
  type: string;
  name: string;
  sql: string;
}

const heading = /^-- Name: (.*); Type: ([A-Z ]+); Schema: .*; Owner: .*$/;

/** Cut at the headings that pg_dump writes above every object; what comes before the first, and Storky's own triggers, left out. */
export function blocksOf(sql: string): Block[] {
  const blocks: Block[] = [];
  for (const line of sql.split('\n')) {
    const found = heading.exec(line);
    if (found) blocks.push({ name: found[1]!, type: found[2]!, sql: '' });
    else if (blocks.length > 0 && !line.startsWith('--')) blocks.at(-1)!.sql += `${line}\n`;
  }
  return blocks.filter((block) => block.sql.trim() !== '' && !ours.includes(block.name));
}

const ours = [holdDdlTrigger, refuseDdlTrigger, refuseDropTrigger, `EVENT TRIGGER ${holdDdlTrigger}`];

const conninfo = (a: Address) =>
  Object.entries({ host: a.host, port: a.port, user: a.user, dbname: a.database })
    .map(([name, value]) => `${name}='${String(value).replace(/([\\'])/g, '\\$1')}'`)
    .join(' ');
