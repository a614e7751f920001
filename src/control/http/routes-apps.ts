import type { RegionCalls } from '../../region/link/region-client.ts';
import type { Apps } from '../regions/apps.ts';
import type { Guarded } from './base.ts';

/** Everything about an app is its region's to answer. */
export function appRoutes({ apps: api }: Guarded, apps: Apps) {
  const at = async <In extends { app: string; region?: string }, Out>(
    { region, ...input }: In,
    ask: (calls: RegionCalls['apps'], input: Omit<In, 'region'>) => Promise<Out>,
  ): Promise<Out> => ask((await apps.in(await apps.regionOf(input.app, region))).apps, input);

  return {
    list: api.list.handler(({ input }) => apps.list(input.region)),
    discover: api.discover.handler(async ({ input }) => (await apps.in(input.region)).apps.discover()),
    adopt: api.adopt.handler(async ({ input: { region, ...order } }) => (await apps.in(region)).apps.adopt(order)),
    get: api.get.handler(({ input }) => at(input, (calls, rest) => calls.get(rest))),
    apply: api.apply.handler(async ({ input }) => (await apps.in(input.region)).apps.apply({ record: input.record })),
    remove: api.remove.handler(({ input }) => at(input, (calls, rest) => calls.remove(rest))),
    start: api.start.handler(({ input }) => at(input, (calls, rest) => calls.start(rest))),
    stop: api.stop.handler(({ input }) => at(input, (calls, rest) => calls.stop(rest))),
    restart: api.restart.handler(({ input }) => at(input, (calls, rest) => calls.restart(rest))),
    scale: api.scale.handler(({ input }) => at(input, (calls, rest) => calls.scale(rest))),
    environment: api.environment.handler(({ input }) => at(input, (calls, rest) => calls.environment(rest))),
    setEnvironment: api.setEnvironment.handler(({ input }) => at(input, (calls, rest) => calls.setEnvironment(rest))),
    allowLive: api.allowLive.handler(({ input }) => at(input, (calls, rest) => calls.allowLive(rest))),
    logs: api.logs.handler(({ input }) => at(input, (calls, rest) => calls.logs(rest))),
    processes: api.processes.handler(({ input }) => at(input, (calls, rest) => calls.processes(rest))),
    metrics: api.metrics.handler(({ input }) => at(input, (calls, rest) => calls.metrics(rest))),
  };
}
