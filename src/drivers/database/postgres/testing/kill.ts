import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { dataFolder } from '../server/server.ts';

/** kill -9 of the server and every process of it, as when the machine's memory runs out; then it is started again. */
export async function crash(instance: DatabaseInstance): Promise<void> {
  const postmaster = Number(readFileSync(join(dataFolder(instance), 'postmaster.pid'), 'utf8').split('\n')[0]);
  const all = [postmaster, ...childrenOf(postmaster)];
  for (const pid of all) signal(pid, 'SIGKILL');
  await waitFor(() => all.every((pid) => !alive(pid)), { every: 10 });
  await engine.start(instance);
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Boolean);
  return pids.filter((pid) => parentOf(pid) === parent);
}

/** The fields after the name, which may hold anything, in parentheses: state, parent. */
function fieldsOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

const parentOf = (pid: number) => Number(fieldsOf(pid)[1]);
/** A process that is dead but not reaped counts: to the server's own tools it is still there. */
const alive = (pid: number) => fieldsOf(pid).length > 0;

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}
