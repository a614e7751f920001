import { StorkyError } from '../../protocol/errors.ts';
import { isOver, type Migration, type MigrationStatus, restingStatuses } from '../../protocol/migration.ts';
import type { ControlClient } from '../connection/client.ts';
import { type Context, say } from '../context.ts';
import { exitCodes } from '../exit.ts';
import { preflightText } from './checks.ts';
import { followCommand } from './next.ts';
import {
  confirmPhase,
  type RunnablePhase,
  type SwitchOptions,
  sayWhatComes,
  startPhase,
  withOptions,
} from './run-phase.ts';
import { type Screen, screenFor } from './screen.ts';
import { exitAfter } from './verdict.ts';
import { sayHowToComeBack, watch, watchOn } from './watch.ts';

type Wanted = Parameters<ControlClient['migrations']['create']>[0];

/** All phases in order, asking once, before the switch. Stops at the first phase that does not end where it leads. */
export async function journey(
  context: Context<'server'>,
  wanted: Wanted,
  options: SwitchOptions = {},
): Promise<Migration> {
  const { paint, io } = context;
  const begun = await begin(context, wanted);
  if (begun.status === 'preflight-success') say(context, `\n${preflightText(begun, paint, io.stdout.columns)}\n`);
  if (begun.status === 'preflight-success') await confirmStop(context, begun);
  const synced = await untilInSync(context, begun);
  if (nextPhase(synced) !== 'finalize' || io.signal.aborted) return synced;
  await confirmSwitch(context, withOptions(synced, options));
  return start(context, synced, 'finalize', options);
}

/** Prepare and data, as one picture. */
async function untilInSync(context: Context<'server'>, migration: Migration): Promise<Migration> {
  const { signal } = context.io;
  const screen = screenFor(context, migration);
  let latest = migration;
  try {
    // Ctrl-C between two phases must not start the next one.
    for (let phase = nextPhase(latest); phase && phase !== 'finalize' && !signal.aborted; phase = nextPhase(latest)) {
      latest = await start(context, latest, phase, { screen });
      if (exitAfter(phase, latest) !== exitCodes.ok) break;
    }
  } finally {
    screen.close();
  }
  if (signal.aborted) sayHowToComeBack(context, latest);
  return latest;
}

/** A move that was left is taken up where it is, so that the same command can simply be typed again. */
async function begin(context: Context<'server'>, wanted: Wanted): Promise<Migration> {
  const { api } = context.server;
  const [ongoing, more] = (await api.migrations.list({ app: wanted.app })).filter((m) => isSameMove(m, wanted));
  // Of two, which only an app in two regions can have, the server says that it needs to know which.
  if (!ongoing || more) return watch(context, await api.migrations.create(wanted));
  say(context, `Going on with migration ${ongoing.id}, which is ${ongoing.status}.`);
  if (!restingStatuses.includes(ongoing.status)) sayHowToFollow(context, ongoing);
  return watch(context, ongoing);
}

/** Two commands may go on with one migration. Whoever comes second follows: what it was asked for is being done. */
async function start(
  context: Context<'server'>,
  migration: Migration,
  phase: RunnablePhase,
  options: SwitchOptions & { screen?: Screen },
): Promise<Migration> {
  try {
    return await startPhase(context, migration, phase, options);
  } catch (thrown) {
    const { id, srcAppName: app } = migration;
    if (StorkyError.from(thrown).code !== 'wrong_phase') throw thrown;
    const now = await context.server.api.migrations.show({ app, id });
    if (now.status === migration.status) throw thrown;
    say(context, `A move of ${app} is running: another command goes on with migration ${id}.`);
    sayHowToFollow(context, now);
    return options.screen ? watchOn(options.screen, context, now) : watch(context, now, migration);
  }
}

const sayHowToFollow = (context: Context, migration: Migration) =>
  say(context, `This one follows it, as does ${context.paint.cyan(followCommand(migration))}`);

function isSameMove(m: Migration, wanted: Wanted): boolean {
  const { from, destination, dstAppName = wanted.app } = wanted;
  const here =
    (from === undefined || m.source === from) && m.destination === destination && m.dstAppName === dstAppName;
  const leaves: MigrationStatus[] = ['aborting', 'rolling-back'];
  return here && !isOver(m) && !leaves.includes(m.status);
}

function nextPhase({ status, failedPhase }: Migration): RunnablePhase | null {
  if (status === 'preflight-success') return 'prepare';
  if (status === 'prepared') return 'data';
  if (status === 'data-migrated' || status === 'rolled-back') return 'finalize';
  const again = status === 'error' && failedPhase;
  return again === 'prepare' || again === 'data' || again === 'finalize' ? again : null;
}

/** A carrier that needs an app that stands still costs its visitors something, long before the switch. */
async function confirmStop(context: Context, migration: Migration): Promise<void> {
  if (!migration.report.stores.some(({ carrier }) => carrier === 'backup')) return;
  sayWhatComes(context, migration, 'data');
  await confirmPhase(context, migration, 'data');
}

async function confirmSwitch(context: Context, migration: Migration): Promise<void> {
  say(context, '');
  if (migration.report.previewUrl) say(context, `Preview: ${context.paint.cyan(migration.report.previewUrl)}\n`);
  sayWhatComes(context, migration, 'finalize');
  await confirmPhase(context, migration, 'finalize');
}
