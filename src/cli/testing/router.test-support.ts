import { implement } from '@orpc/server';
import { controlContract } from '../../protocol/control-contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { MigrationStatus, Phase } from '../../protocol/migration.ts';
import { newMigration } from './migration.test-support.ts';
import type { World } from './world.test-support.ts';

/** The control contract over a World. */
export function routerOf(world: World) {
  const os = guarded(world);
  return os.router({
    regions: regionsOf(os, world),
    apps: appsOf(os, world),
    migrations: migrationsOf(os, world),
    tokens: {
      list: os.tokens.list.handler(() => [{ id: 't1', name: 'first', createdAt: '2026-01-02T03:04:05.000Z' }]),
      create: os.tokens.create.handler(() => ({ id: 't2', token: 'sty_second' })),
      revoke: os.tokens.revoke.handler(() => ({})),
    },
  });
}

type Os = ReturnType<typeof guarded>;

function guarded(world: World) {
  return implement(controlContract)
    .$context<{ allowed: boolean }>()
    .use(async ({ context, next, path }, input) => {
      if (!context.allowed) throw new StorkyError('unauthorized');
      world.calls.push({ name: path.join('.'), input });
      return next();
    });
}

function regionsOf(os: Os, world: World) {
  return {
    list: os.regions.list.handler(() => world.regions),
    add: os.regions.add.handler(({ input }) => ({
      name: input.name,
      token: 'sty_enrol_x.ab12',
      expiresAt: '2026-01-02T03:04:05.000Z',
    })),
    remove: os.regions.remove.handler(() => ({})),
    enrol: os.regions.enrol.handler(() => {
      throw new StorkyError('token_used', { region: 'x' });
    }),
  };
}

function appsOf(os: Os, world: World) {
  const find = ({ app, region }: { app: string; region?: string }) => {
    const view = world.apps.find((each) => each.name === app && (!region || each.region === region));
    if (!view) throw new StorkyError('unknown_app', { app, region: region ?? 'any region' });
    return view;
  };
  return {
    list: os.apps.list.handler(({ input: { region } }) => {
      if (region && !world.regions.some(({ name }) => name === region))
        throw new StorkyError('unknown_region', { region });
      return world.apps.filter((app) => !region || app.region === region);
    }),
    discover: os.apps.discover.handler(() => []),
    adopt: os.apps.adopt.handler(({ input }) => world.addApp({ name: input.app ?? input.project }, input.region)),
    get: os.apps.get.handler(({ input }) => find(input)),
    apply: os.apps.apply.handler(({ input }) => world.addApp(input.record, input.region)),
    allowLive: os.apps.allowLive.handler(() => ({ restarted: true, heldMs: 812, held: 3 })),
    remove: os.apps.remove.handler(({ input }) => {
      world.apps.splice(world.apps.indexOf(find(input)), 1);
      return {};
    }),
    start: os.apps.start.handler(({ input }) => Object.assign(find(input), { status: 'running' as const })),
    stop: os.apps.stop.handler(({ input }) => Object.assign(find(input), { status: 'stopped' as const })),
    restart: os.apps.restart.handler(() => ({ heldMs: 640, held: 2 })),
    scale: os.apps.scale.handler(({ input }) => {
      const view = find(input);
      const { amount, size } = input;
      Object.assign(view.record.processes[input.type]!, JSON.parse(JSON.stringify({ amount, size })));
      return view;
    }),
    environment: os.apps.environment.handler(({ input }) => find(input).record.environment),
    setEnvironment: os.apps.setEnvironment.handler(({ input }) => {
      const { environment } = find(input).record;
      Object.assign(environment, input.set);
      for (const key of input.unset) delete environment[key];
      return {};
    }),
    logs: os.apps.logs.handler(() => [{ process: 'web-1', line: 'GET / 200' }]),
    processes: os.apps.processes.handler(() => [
      {
        id: 'p1',
        type: 'web',
        index: 1,
        state: 'running',
        pid: 42,
        restarts: 0,
        since: '2026-01-02T03:04:05.000Z',
        command: 'node web.js',
      },
    ]),
    metrics: os.apps.metrics.handler(({ input }) => ({
      gate: { app: input.app, hosts: [], previewHosts: [], upstreams: [], state: 'forward', forward: null } as never,
      metrics: {
        requests: 9,
        held: 1,
        failed: 0,
        refused: 0,
        forwarded: 7,
        inFlight: 0,
        waiting: 0,
        longLived: 0,
        longestWaitMs: 1,
      },
    })),
  };
}

function migrationsOf(os: Os, world: World) {
  const find = (id: string) => {
    const migration = world.migrations.find((each) => each.id === id);
    if (!migration) throw new StorkyError('unknown_migration', { id });
    return migration;
  };
  const during: Partial<Record<Phase, MigrationStatus>> = { abort: 'aborting', rollback: 'rolling-back' };
  return {
    list: os.migrations.list.handler(({ input }) => world.migrations.filter((m) => m.srcAppName === input.app)),
    create: os.migrations.create.handler(({ input }) => {
      const { app, from = 'osc-fr1', destination, dstAppName = app, carriers, budgetMs } = input;
      const migration = world.addMigration({
        ...newMigration(),
        srcAppName: app,
        dstAppName,
        source: from,
        destination,
        carriers,
        budgetMs,
      });
      void world.play(migration, 'preflight');
      return migration;
    }),
    remove: os.migrations.remove.handler(({ input }) => {
      world.migrations.splice(world.migrations.indexOf(find(input.id)), 1);
      return {};
    }),
    show: os.migrations.show.handler(({ input }) => find(input.id)),
    limit: os.migrations.limit.handler(({ input }) => Object.assign(find(input.id), { copyLimit: input.copyLimit })),
    run: os.migrations.run.handler(({ input }) => {
      const migration = find(input.id);
      world.beforeRun?.(migration);
      if (migration.status === 'running' && input.step !== 'abort')
        throw new StorkyError('wrong_phase', { phase: input.step, status: migration.status, hint: 'Follow it.' });
      migration.status = during[input.step] ?? 'running';
      migration.withoutWayBack = input.withoutWayBack ?? migration.withoutWayBack;
      migration.failedPhase = null;
      void world.play(migration, input.step);
      return structuredClone(migration);
    }),
    watch: os.migrations.watch.handler(({ input }) => world.watch(find(input.id))),
  };
}
