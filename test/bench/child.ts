import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a child process of the bench can be asked; every method answers with a promise. */
export type Asked<Api> = {
  [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

interface Question {
  id: number;
  name: string;
  args: unknown[];
}

type Answer = { id: number; result?: unknown; error?: string };

/** Starts a module that calls `serve`, in a process of its own, as the parts of a real region have. */
export function startChild<Api>(module: URL): { ask: Asked<Api>; end: () => Promise<void> } {
  const child = fork(fileURLToPath(module), { env: { ...process.env, STORKY_LOG: process.env.STORKY_LOG ?? 'error' } });
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => {
    for (const { reject } of open.values()) reject(new Error(`${module.pathname} ended`));
  });
  child.on('message', ({ id, result, error }: Answer) => {
    const waiting = open.get(id)!;
    open.delete(id);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new Error(error));
  });
  const ask = new Proxy({} as Asked<Api>, {
    get:
      (_, name: string) =>
      (...args: unknown[]) =>
        question(child, open, { id: open.size === 0 ? 1 : Math.max(...open.keys()) + 1, name, args }),
  });
  const end = async () => {
    if (child.connected) child.disconnect();
    const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended.finally(() => clearTimeout(hard));
  };
  return { ask, end };
}

function question(child: ChildProcess, open: Map<number, PromiseWithResolvers<unknown>>, message: Question) {
  const answer = Promise.withResolvers<unknown>();
  open.set(message.id, answer);
  child.send(message, (error) => error && answer.reject(error));
  return answer.promise;
}

/** The child's side. The process ends when its parent lets go of it, or is gone. */
export function serve<Api extends object>(api: Api): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', async ({ id, name, args }: Question) => {
    const method = api[name as keyof Api] as (...args: unknown[]) => unknown;
    try {
      process.send!({ id, result: await method(...args) } satisfies Answer);
    } catch (error) {
      process.send!({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } satisfies Answer);
    }
  });
}
