import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../base/free-port.ts';
import { StorkyError } from '../protocol/errors.ts';
import type { SshReach } from '../protocol/ssh-reach.ts';
import { knownHostsLine, pinnedOptions, usualOptions } from './options.ts';

/** A port of this machine's loopback that leads to one of the host's, for as long as `ssh` holds the connection. */
export interface Tunnel {
  readonly port: number;
  readonly alive: boolean;
  close(): Promise<void>;
}

/** `folder` keeps the pinned key. Throws `ssh_failed`. */
export async function openTunnel(folder: string, region: string, reach: SshReach, hostPort: number): Promise<Tunnel> {
  const port = await freePort();
  const child = spawn('ssh', tunnelArgs(folder, region, reach, `127.0.0.1:${port}:127.0.0.1:${hostPort}`), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => (said += more));
  const tunnel = tunnelOf(child, port);
  child.once('error', (error) => (said += error.message));
  while (!(await accepts(port))) {
    if (tunnel.alive) await sleep(50);
    else
      throw new StorkyError('ssh_failed', { destination: reach.destination, detail: said.trim().split('\n').at(-1) });
  }
  return tunnel;
}

function tunnelArgs(folder: string, region: string, { destination, hostKey }: SshReach, forward: string): string[] {
  const alias = `storky-${region}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const knownHosts = join(folder, `${region}.known_hosts`);
  writeFileSync(knownHosts, knownHostsLine(alias, hostKey), { mode: 0o600 });
  const alone = ['-N', '-S', 'none', '-o', 'BatchMode=yes', '-o', 'ExitOnForwardFailure=yes'];
  return [...usualOptions(process.env), ...pinnedOptions(knownHosts, alias), ...alone, '-L', forward, destination];
}

function tunnelOf(child: ChildProcess, port: number): Tunnel {
  let alive = true;
  const over = Promise.race([once(child, 'exit'), once(child, 'error')]).then(
    () => (alive = false),
    () => (alive = false),
  );
  return {
    port,
    get alive() {
      return alive;
    },
    close: async () => {
      if (alive) child.kill('SIGTERM');
      await over;
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
