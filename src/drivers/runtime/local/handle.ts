import type { ProcessHandle } from '../contract.ts';
import { bootId, isRunning, membersOf, type ProcessStat, readStat } from './proc.ts';

export interface LocalHandle extends ProcessHandle {
  runtime: 'local';
  pid: number;
  startTime: number;
  boot: string;
}

export function handleOf(pid: number): LocalHandle | undefined {
  const stat = readStat(pid);
  return stat && { runtime: 'local', pid, startTime: stat.startTime, boot: bootId() };
}

/** Is the very process of the handle running? A pid that another process got since is not. */
export function leads(handle: LocalHandle): boolean {
  const stat = readStat(handle.pid);
  return handle.boot === bootId() && isRunning(stat) && stat.startTime === handle.startTime;
}

/**
 * What is left of the process and its children. The kernel does not give a pid away while a session bears it, so
 * members without their leader are still ours; a leader with another start time means that the number went to a stranger.
 */
export function remains(handle: LocalHandle): ProcessStat[] {
  if (handle.boot !== bootId()) return [];
  const leader = readStat(handle.pid);
  if (leader && leader.startTime !== handle.startTime) return [];
  return membersOf(handle.pid).filter((member) => member.startTime >= handle.startTime);
}
