import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { StorkyError } from '../../protocol/errors.ts';
import type { Context } from '../context.ts';

/** Can anybody answer? `--json` is for scripts, so nobody is asked there either. */
export const canAsk = ({ io, global }: Context) => Boolean(io.stdin.isTTY && io.stdout.isTTY) && !global.json;

/**
 * Asks; the default answer is no. `--yes` answers yes without asking. Anything else throws `not_confirmed` (exit code 3):
 * silence, a pipe and the end of the input never mean yes.
 */
export async function confirm(context: Context, what: string, question = 'Continue?'): Promise<void> {
  if (context.global.yes) return;
  if (!canAsk(context)) throw new StorkyError('not_confirmed', { what });
  const answer = await ask(context, `${context.paint.bold(question)} ${context.paint.dim('[y/N]')} `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new StorkyError('not_confirmed', { what });
}

async function ask({ io }: Context, question: string): Promise<string> {
  const lines = createInterface({ input: io.stdin, output: io.stdout, terminal: false });
  io.stdout.write(question);
  const abort = new AbortController();
  try {
    const line = once(lines, 'line', { signal: abort.signal }).then(([text]) => text as string);
    const gone = once(lines, 'close', { signal: abort.signal }).then(() => '');
    const stopped = io.signal.aborted ? '' : once(io.signal, 'abort', { signal: abort.signal }).then(() => '');
    return await Promise.race([line, gone, stopped]);
  } finally {
    abort.abort();
    lines.close();
  }
}
