import type { Migration } from '../../protocol/migration.ts';
import { type Context, say } from '../context.ts';
import { abortCommand, followCommand } from './next.ts';
import { type Screen, screenFor } from './screen.ts';
import { changesOf } from './stream.ts';

/**
 * Shows the migration until no phase of it is running, and gives it as it is then. `before` is how it was before a phase
 * was started. Ctrl-C leaves: the server goes on, and the user is told how to come back.
 */
export async function watch(context: Context<'server'>, migration: Migration, before?: Migration): Promise<Migration> {
  const screen = screenFor(context, before);
  const latest = await watchOn(screen, context, migration, before).finally(() => screen.close());
  if (context.io.signal.aborted) sayHowToComeBack(context, latest);
  return latest;
}

/** On a screen that goes on to be used. */
export async function watchOn(
  screen: Screen,
  { server, io: { signal } }: Context<'server'>,
  migration: Migration,
  before?: Migration,
): Promise<Migration> {
  let latest = migration;
  const ref = { app: migration.srcAppName, id: migration.id };
  const onLost = (note: string | null) => screen.note(note);
  try {
    for await (const now of changesOf(server.api, ref, { signal, before, onLost })) {
      latest = now;
      screen.show(now);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return latest;
}

export function sayHowToComeBack(context: Context, migration: Migration): void {
  const { paint } = context;
  say(context, `\nYou left; the server goes on. ${paint.bold('Follow:')} ${paint.cyan(followCommand(migration))}`);
  const back = migration.status === 'running' ? abortCommand(migration) : null;
  if (back) say(context, paint.dim(`To take everything back: ${back}`));
}
