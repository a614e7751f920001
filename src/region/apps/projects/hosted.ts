import type { DatabaseEngine, DatabaseInstance } from '../../../drivers/database/contract.ts';
import type { ProjectRuntime } from '../../../drivers/runtime/projects.ts';
import { untilAccepts } from './until-accepts.ts';

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
    start: unlessGuest(engine.start, async (container, instance) => {
      await containers.start(container);
      await untilAccepts(instance);
    }),
    stop: unlessGuest(engine.stop, (container) => containers.stop(container)),
    destroy: unlessGuest(engine.destroy, async () => {}),
    running: (instance) => (instance.guest ? containers.runs(instance.guest.container) : engine.running(instance)),
  };
}
