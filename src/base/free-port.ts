import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const tries = 200;
const lowest = 10_000;
/** Linux's own default, for where it cannot be read. */
const usuallyEphemeralFrom = 32_768;

/**
 * A port that nobody listens on now, below those that the kernel gives to outgoing connections: whoever keeps a port for
 * good would else find it taken, after a restart, by a connection that somebody made meanwhile. Another process may still
 * take it first. @throws Error when none is found
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const highest = Math.max(firstEphemeral(), lowest + 1_000);
  for (let n = 0; n < tries; n++) {
    const port = randomInt(lowest, highest);
    if (await isFree(host, port)) return port;
  }
  throw new Error(`no free port between ${lowest} and ${highest} of ${host}`);
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}

function firstEphemeral(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10) || usuallyEphemeralFrom;
  } catch {
    return usuallyEphemeralFrom;
  }
}
