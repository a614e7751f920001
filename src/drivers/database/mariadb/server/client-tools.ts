import type { ChildProcess } from 'node:child_process';
import type { DatabaseInstance } from '../../contract.ts';
import { inContainer } from '../../guest.ts';
import { tlsFlags } from '../external/tls.ts';
import type { Address } from '../wire/connect.ts';
import { installedVersions, toolPath } from './binaries.ts';
import { productOf, type Tool } from './product.ts';
import { type Command, type RunOptions, start } from './run.ts';

/** Of the side that runs the tool. */
type Here = Pick<DatabaseInstance, 'version' | 'guest'>;

const login = ({ host, port, user, engine, encryption }: Address) => [
  '--no-defaults',
  '--protocol=tcp',
  `--host=${host}`,
  `--port=${port}`,
  `--user=${user}`,
  '--default-character-set=utf8mb4',
  ...tlsFlags(encryption),
  ...productOf(engine).login,
];

/**
 * Of the server's own series where Storky runs it, and from the container where it is in one; else the newest that is here,
 * which speaks with older and newer servers.
 */
async function toolFor({ engine, share }: Address, { version, guest }: Here, tool: Tool): Promise<Command> {
  if (guest) return inContainer(guest, productOf(engine).tools[tool], ['MYSQL_PWD']);
  const newest = share && engine ? (await installedVersions(engine)).at(-1) : undefined;
  return toolPath(engine, newest ?? version, tool);
}

/** The dump of a server's structure or rows, as statements. Takes no lock. */
export async function startDump(
  here: Here,
  from: Address,
  args: string[],
  options: RunOptions = {},
): Promise<ChildProcess> {
  const tool = await toolFor(from, here, 'dump');
  const quiet = [
    '--skip-lock-tables',
    '--skip-comments',
    '--skip-add-drop-table',
    '--skip-add-locks',
    '--max-allowed-packet=1G',
    ...productOf(from.engine).dump,
  ];
  return start(tool, [...login(from), ...quiet, ...args], { ...options, env: { MYSQL_PWD: from.password } });
}

/** Reads statements from its standard input; stops at the first that fails. Logs nothing where the server is Storky's, and checks no foreign key. */
export async function startClient(
  here: Here,
  to: Address,
  options: RunOptions = {},
  database?: string,
): Promise<ChildProcess> {
  const tool = await toolFor(to, here, 'client');
  const checks = ['foreign_key_checks', 'unique_checks', ...productOf(to.engine).unchecked];
  const settings = [...(to.share ? [] : ['sql_log_bin']), ...checks];
  const init = `SET ${settings.map((setting) => `${setting} = 0`).join(', ')}`;
  const into = database === undefined ? [] : [`--database=${database}`];
  return start(tool, [...login(to), ...into, '--binary-mode', '--max-allowed-packet=1G', `--init-command=${init}`], {
    ...options,
    stdin: 'pipe',
    env: { MYSQL_PWD: to.password },
  });
}
