import { setTimeout as sleep } from 'node:timers/promises';
import { knock } from '../../../base/knock.ts';

const patienceMs = 120_000;

/** Resolves when somebody listens there. @throws Error after two minutes */
export async function untilAccepts({ host, port }: { host: string; port: number }): Promise<void> {
  for (const giveUpAt = performance.now() + patienceMs; !(await accepts(host, port)); await sleep(100))
    if (performance.now() > giveUpAt) throw new Error(`nobody listens at ${host}:${port}`);
}

export const accepts = async (host: string, port: number): Promise<boolean> =>
  (await knock(host, port, 2_000)) === 'accepts';
