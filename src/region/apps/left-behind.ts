import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 10_000;

/**
 * Ends what a killed agent's tools still do in a folder (`initdb` goes on without whoever asked for it), so that it can be
 * taken away and stays away. Only for a folder that nobody else works in. @throws Error when something does not end
 */
export async function endLeftBehind(folder: string): Promise<void> {
  for (const giveUpAt = performance.now() + patienceMs; ; ) {
    const left = namesFolder(folder);
    if (left.length === 0) return;
    if (performance.now() > giveUpAt) throw new Error(`processes ${left.join(', ')} in ${folder} do not end`);
    for (const pid of left) end(pid);
    await sleep(20);
  }
}

/** Those with an argument that is the folder or lies in it, but this process. A zombie has no arguments. */
function namesFolder(folder: string): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid);
  return pids.filter((pid) =>
    argumentsOf(pid).some((one) => one === folder || one.startsWith(`${folder}/`) || one.includes(`=${folder}/`)),
  );
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
