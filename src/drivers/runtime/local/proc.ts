import { readdirSync, readFileSync } from 'node:fs';

/** One line of the kernel's process table. */
export interface ProcessStat {
  pid: number;
  state: string;
  group: number;
  session: number;
  /** Clock ticks since boot; with the pid it names a process for as long as the machine is up. */
  startTime: number;
}

export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The command's name is in parentheses and may itself hold spaces and parentheses. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return {
    pid: Number.parseInt(line, 10),
    state: fields[0]!,
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
  };
}

/** Zombies do not count: they run nothing, and where pid 1 reaps nobody they stay for good. */
export const isRunning = (stat: ProcessStat | undefined): stat is ProcessStat =>
  stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';

/** Everything that still runs in a session; the session's id is the pid of the process that opened it. */
export function membersOf(session: number): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat): stat is ProcessStat => isRunning(stat) && (stat.session === session || stat.group === session));
}

let boot: string | undefined;

/** Changes with every start of the machine; pids and start times mean nothing across it. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
