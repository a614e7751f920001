import type { Context } from '../context.ts';
import { bytes } from './units.ts';

/** One line that counts up to `total` bytes: redrawn on a terminal, else said once at its end. */
export function byteCounter({ io, global, paint }: Context, what: string, total: number) {
  const out = global.json ? io.stderr : io.stdout;
  const live = Boolean(out.isTTY);
  let drawnAt = 0;
  const line = (sent: number) => `${what} ${paint.dim(`${bytes(sent)} of ${bytes(total)}`)}`;
  return {
    at(sent: number) {
      if (!live || Date.now() - drawnAt < 100) return;
      drawnAt = Date.now();
      out.write(`\r${line(sent)}\x1b[K`);
    },
    end: (said: string) => void out.write(`${live ? '\r' : ''}${paint.green('✔')} ${said}${live ? '\x1b[K' : ''}\n`),
  };
}
