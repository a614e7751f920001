import type { Migration } from '../../protocol/migration.ts';
import type { Context } from '../context.ts';
import { LineScreen } from './line-screen.ts';
import { LiveScreen } from './live-screen.ts';

/** Shows a migration while it changes. */
export interface Screen {
  show(migration: Migration): void;
  /** Above everything else: the connection is lost. null: it is back. */
  note(text: string | null): void;
  /** Leaves the last state on the terminal. */
  close(): void;
}

/** A terminal gets one block that is redrawn, anything else a line for each change; next to `--json` it goes to stderr. */
export function screenFor({ io, global, paint }: Context, before?: Migration): Screen {
  const out = global.json ? io.stderr : io.stdout;
  return out.isTTY && !global.json && io.env.TERM !== 'dumb'
    ? new LiveScreen(out, paint)
    : new LineScreen(out, paint, before);
}
