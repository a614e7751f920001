import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseEngine, DatabaseInstance, FollowingSetting } from '../drivers/database/contract.ts';
import { StorkyError } from '../protocol/errors.ts';
import type { AllowedLive } from '../protocol/region-contract.ts';
import type { Apps } from './apps/apps.ts';
import { refuseLocked } from './apps/check-record.ts';
import type { SourceHome } from './home.ts';
import { whileHeld } from './while-held.ts';

interface Order {
  app: string;
  addon: string;
  budgetMs: number;
  waitMs: number;
}

/**
 * What following live needs of the server, with the restart that it asks for: workers end, requests are held, the server
 * starts anew, and everything goes on. In time or not, the app is served again afterwards.
 */
export async function allowLive(home: SourceHome, apps: Apps, order: Order): Promise<AllowedLive> {
  refuseLocked(apps.document(order.app));
  const { engine, instance } = await home.database(order.app, order.addon);
  const { following } = engine;
  if (!following)
    throw new StorkyError('unsupported', {
      what: `Changing ${order.addon}`,
      detail: `${engine.engine} needs no setting for it`,
      hint: 'Look at what the preflight says.',
    });
  if ((await following.allow(instance)) === 'holds') return { restarted: false, heldMs: 0, held: 0 };
  if (instance.external) return await withProvider(home, following, instance, order);
  const { projects } = apps.moving;
  // Visitors of containers come by the router only while it is put before them.
  await projects.begin(order.app);
  const anew = async () => {
    await restart(engine, instance);
    if (instance.guest) await projects.startDatabases(order.app);
  };
  return await held(home, order, anew).finally(() => projects.end(order.app));
}

async function restart(engine: DatabaseEngine, instance: DatabaseInstance): Promise<void> {
  await engine.stop(instance);
  await engine.start(instance);
}

/** Its restart is somebody else's to give: nothing is held before it begins, and no longer than the budget after. */
async function withProvider(
  home: SourceHome,
  following: FollowingSetting,
  instance: DatabaseInstance,
  order: Order,
): Promise<AllowedLive> {
  const { addon, waitMs } = order;
  await following.gone(instance, AbortSignal.timeout(waitMs)).catch((error: Error) => {
    if (error.name !== 'TimeoutError' && error.name !== 'AbortError') throw error;
    throw new StorkyError('timeout', {
      what: `The restart of ${addon}, which only its provider can give,`,
      seconds: waitMs / 1000,
      where: 'the provider',
    });
  });
  const result = await held(home, order, async (signal) => {
    while (!signal.aborted && !(await answers(following, instance))) await sleep(100);
  });
  if ((await following.allow(instance)) === 'holds') return result;
  throw new StorkyError('engine_refused', {
    engine: addon,
    detail: 'it was restarted, and the setting is still not there',
    hint: 'Change it where its provider keeps its settings, then run this again.',
  });
}

const answers = (following: FollowingSetting, instance: DatabaseInstance): Promise<boolean> =>
  following.allow(instance).then(
    () => true,
    () => false,
  );

/** Without workers, which cannot be held. */
async function held(
  home: SourceHome,
  { app, budgetMs }: Order,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<AllowedLive> {
  await home.quiesce(app);
  try {
    return { restarted: true, ...(await whileHeld(home, app, budgetMs, budgetMs / 4, work)) };
  } finally {
    await home.resume(app);
  }
}
