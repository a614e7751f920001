import { log } from '../../base/log.ts';
import type { Turns } from '../../base/turns.ts';
import type { AppParts } from './app-parts.ts';
import { removeApp } from './remove.ts';

/** Brings every app of this region back after the agent, or the machine, was started. One broken app keeps no other from coming. */
export async function startApps(parts: AppParts, turns: Turns, stillClosed: (app: string) => boolean): Promise<void> {
  await Promise.all(
    parts.store
      .names()
      .map((app) =>
        turns
          .take(app, () => startApp(parts, turns, app, stillClosed(app)))
          .catch(complain(app, 'the app could not be started')),
      ),
  );
}

async function startApp(parts: AppParts, turns: Turns, app: string, closed: boolean): Promise<void> {
  const { store, gates, runner } = parts;
  // What a crash cut short: nothing half made stays, nothing half removed comes back.
  if (store.get(app).life !== 'created') return await removeApp(parts, app);
  // A database that does not start is no reason to leave the processes to themselves.
  await startDatabases(parts, app).catch(complain(app, 'a database did not start'));
  // Held back by what a crash cut short: a migration would have locked it.
  if (store.get(app).lockedBy === null) store.change(app, (draft) => void Object.assign(draft, { quiesced: false }));
  // Before the gate is told: else it would lose the upstreams that are running.
  await runner.takeOver(app);
  await gates.restore(app, closed).catch(complain(app, 'the router was not told; it goes on with what it knows'));
  // A web process may take a minute to come up; the agent does not wait for it.
  void turns.take(app, () => runner.become(app)).catch(complain(app, 'it did not come up, and is tried again'));
}

async function startDatabases({ store, databases, projects }: AppParts, app: string): Promise<void> {
  if (projects.isProject(app)) return await projects.bringBack(app);
  for (const { order } of store.get(app).provisioning) await databases.destroy(app, order.addon);
  await databases.startAll(app);
}

const complain = (app: string, what: string) => (error: unknown) => log.error({ app, error: String(error) }, what);
