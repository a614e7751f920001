import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Found {
  pid: number;
  command: string;
}

/** Every process that runs in the folder or names it in its arguments: apps, databases, routers, agents. Not ourselves. */
export function processesUnder(folder: string): Found[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid);
  return pids.flatMap((pid) => {
    const command = quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      .replaceAll('\0', ' ')
      .trim();
    const inside = `${command} ${quietly(() => readlinkSync(`/proc/${pid}/cwd`))}`.includes(folder);
    return inside ? [{ pid, command }] : [];
  });
}

/** For the end of a test whose agents were killed: nobody else would end what they started. */
export function killUnder(folder: string): void {
  for (const { pid } of processesUnder(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
