import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessType } from '../../protocol/app-record/process.ts';

export interface HealthProbe {
  path: string;
  timeoutSeconds: number;
  /** Host header of the question: apps refuse names they do not know. */
  host: string;
  /** A health path was declared, so that only 2xx and 3xx count; else any answer but a server error does. */
  strict: boolean;
}

export const probeOf = (health: ProcessType['health'], host: string): HealthProbe => ({
  path: health?.path ?? '/',
  timeoutSeconds: health?.timeoutSeconds ?? 60,
  host,
  strict: health !== undefined,
});

/**
 * Resolves when the process on the port answers as it should; every other answer goes to `not`.
 * @throws Error with the last answer, after the timeout
 */
export async function healthy(
  port: number,
  probe: HealthProbe,
  signal: AbortSignal,
  not: (answer: string) => void = () => {},
): Promise<void> {
  const until = performance.now() + probe.timeoutSeconds * 1000;
  let last = 'no answer';
  for (let pause = 25; !signal.aborted; pause = Math.min(pause * 1.5, 500)) {
    try {
      const status = await ask(port, probe, signal);
      if (status < (probe.strict ? 400 : 500)) return;
      last = `${probe.path} answered ${status}`;
    } catch (error) {
      last = `${probe.path}: ${(error as Error).message}`;
    }
    if (!signal.aborted) not(last);
    if (performance.now() >= until) throw new Error(`not healthy after ${probe.timeoutSeconds} s: ${last}`);
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
  signal.throwIfAborted();
}

function ask(port: number, probe: HealthProbe, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: probe.host,
      'user-agent': 'storky-health',
      'x-forwarded-proto': 'https',
      connection: 'close',
    };
    const asked = request({ host: '127.0.0.1', port, path: probe.path, headers, agent: false, signal, timeout: 5000 });
    asked.once('timeout', () => asked.destroy(new Error('no answer within 5 s')));
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.destroy();
      resolve(response.statusCode ?? 500);
    });
    asked.end();
  });
}
