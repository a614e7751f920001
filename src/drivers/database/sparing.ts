import type { DatabaseEngine, DatabaseInstance } from './contract.ts';

/** Nothing that is done to a server is done to one that Storky does not run, whoever asks for it. */
export function sparing(engine: DatabaseEngine): DatabaseEngine {
  const unlessExternal =
    (work: (instance: DatabaseInstance) => Promise<void>) => async (instance: DatabaseInstance) => {
      if (!instance.external) await work(instance);
    };
  return {
    ...engine,
    start: unlessExternal((instance) => engine.start(instance)),
    stop: unlessExternal((instance) => engine.stop(instance)),
    destroy: unlessExternal((instance) => engine.destroy(instance)),
    running: async (instance) => instance.external !== undefined || (await engine.running(instance)),
  };
}
