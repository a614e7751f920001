import type { DatabaseEngine, DatabaseInstance } from '../../../drivers/database/contract.ts';
import type { ProjectRuntime, ShutUntil } from '../../../drivers/runtime/projects.ts';

/** A server in a container is started and stopped with its container, and goes only with it. */
export function hosted(engine: DatabaseEngine, { containers }: Pick<ProjectRuntime, 'containers'>): DatabaseEngine {
  const unlessGuest =
    (
      work: (instance: DatabaseInstance) => Promise<void>,
      ofGuest: (container: string, instance: DatabaseInstance) => Promise<void>,
    ) =>
    (instance: DatabaseInstance): Promise<void> =>
      instance.guest ? ofGuest(instance.guest.container, instance) : work(instance);
  return {
    ...engine,
    // Where it listens then is looked for by whoever has the whole project: `Projects.startDatabases`.
    start: unlessGuest(engine.start, (container, instance) => containers.start(container, shutUntil(engine, instance))),
    stop: unlessGuest(engine.stop, (container) => containers.stop(container)),
    destroy: unlessGuest(engine.destroy, async () => {}),
    running: (instance) => (instance.guest ? containers.runs(instance.guest.container) : engine.running(instance)),
  };
}

/** Only what forgets its seal comes up open. */
function shutUntil({ guest }: DatabaseEngine, instance: DatabaseInstance): ShutUntil | undefined {
  const again = instance.guest?.forgets && guest?.again;
  return again ? { port: instance.port, ready: () => again(instance) } : undefined;
}
