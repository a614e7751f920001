import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 120_000;

/** Resolves when somebody listens there. @throws Error after two minutes */
export async function untilAccepts({ host, port }: { host: string; port: number }): Promise<void> {
  for (const giveUpAt = performance.now() + patienceMs; !(await accepts(host, port)); await sleep(100))
    if (performance.now() > giveUpAt) throw new Error(`nobody listens at ${host}:${port}`);
}

export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
