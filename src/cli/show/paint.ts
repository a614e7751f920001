import picocolors from 'picocolors';
import type { Io } from '../io.ts';

export type Paint = ReturnType<typeof picocolors.createColors>;

/** Colours for a terminal; none for pipes, dumb terminals, NO_COLOR or --no-color. FORCE_COLOR brings them back. */
export function paintFor(io: Io, wanted: boolean): Paint {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env;
  const can = FORCE_COLOR ? FORCE_COLOR !== '0' : Boolean(io.stdout.isTTY) && TERM !== 'dumb';
  return picocolors.createColors(wanted && !NO_COLOR && can);
}
