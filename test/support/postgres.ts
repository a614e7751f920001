import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount, unprivilegedAccount } from '../../src/base/account.ts';
import { freePort } from '../../src/base/free-port.ts';
import { unmanagedTempFolder } from './temp-folder.ts';

const installed = '/usr/lib/postgresql';

export interface TestPostgres {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The folder with the programs of the newest version here, or undefined. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(installed) ? readdirSync(installed).map(Number).filter(Boolean) : [];
  const newest = versions.sort((a, b) => b - a).map((version) => join(installed, String(version), 'bin'));
  return newest.find((bin) => existsSync(join(bin, 'initdb')));
}

/** A database of the test's own, empty, on loopback, fit for logical replication; superuser `test`, no password. */
export async function startPostgres(settings: Record<string, string> = {}): Promise<TestPostgres> {
  const bin = postgresPrograms();
  if (!bin) throw new Error('PostgreSQL is not installed: run `node scripts/setup.js`');
  const { path: folder, remove } = unmanagedTempFolder('postgres');
  giveToAccount(folder);
  const data = join(folder, 'data');
  const run = (program: string, args: string[]) =>
    spawn(join(bin, program), args, {
      cwd: folder,
      ...unprivilegedAccount(),
      env: { LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });

  const initdb = run('initdb', ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync']);
  const [code] = await once(initdb, 'close');
  if (code !== 0) throw new Error(`initdb ended with ${code}`);

  const port = await freePort();
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    wal_level: 'logical',
    shared_buffers: '32MB',
    ...settings,
  };
  const flags = Object.entries({ ...all, port: String(port) }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = run('postgres', ['-D', data, ...flags]);
  const ended = once(server, 'close');
  const atExit = () => {
    server.kill('SIGQUIT'); // this process ends without `stop`: at once, and with its folder
    remove();
  };
  process.once('exit', atExit);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 1e6) said += text;
      if (said.includes('ready to accept connections')) resolve();
    });
    ended.then(() => reject(new Error(`postgres ended:\n${said}`)), reject);
  });
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT');
    await ended;
    process.off('exit', atExit);
    remove();
  };
  return { url: `postgres://test@127.0.0.1:${port}/postgres`, port, folder, stop, [Symbol.asyncDispose]: stop };
}
