import { StorkyError } from '../../protocol/errors.ts';
import { guarded } from './base.ts';
import type { ApiParts } from './parts.ts';
import { appRoutes } from './routes-apps.ts';

const neverAborted = new AbortController().signal;

/** Implements the control contract. */
export function controlRouter({ registry, apps, migrations, tokens, authority, audit }: ApiParts) {
  const api = guarded(audit);
  return api.router({
    regions: {
      list: api.regions.list.handler(() => registry.list()),
      add: api.regions.add.handler(({ input }) => registry.add(input.name, input.ssh)),
      remove: api.regions.remove.handler(async ({ input }) => {
        await registry.remove(input.name);
        return {};
      }),
      enrol: api.regions.enrol.handler(({ input }) => registry.enrol(input)),
    },
    apps: appRoutes(api, apps),
    migrations: {
      list: api.migrations.list.handler(({ input }) => migrations.list(input.app)),
      create: api.migrations.create.handler(({ input }) => migrations.create(input)),
      show: api.migrations.show.handler(({ input }) => migrations.show(input.app, input.id)),
      limit: api.migrations.limit.handler(({ input }) => migrations.limit(input.app, input.id, input.copyLimit)),
      remove: api.migrations.remove.handler(async ({ input }) => {
        await migrations.remove(input.app, input.id);
        return {};
      }),
      run: api.migrations.run.handler(({ input }) => migrations.run(input.app, input.id, input.step, input)),
      watch: api.migrations.watch.handler(async ({ input, signal }) => {
        // An id that does not exist is refused at once, not in the middle of a stream.
        await migrations.show(input.app, input.id);
        return migrations.watch(input.app, input.id, signal ?? neverAborted);
      }),
    },
    tokens: {
      list: api.tokens.list.handler(() => tokens.list()),
      create: api.tokens.create.handler(({ input }) => tokens.create(input.name, authority.fingerprint)),
      revoke: api.tokens.revoke.handler(async ({ input }) => {
        if (!(await tokens.revoke(input.id)))
          throw new StorkyError('bad_request', { field: 'id', detail: `there is no token ${input.id}` });
        return {};
      }),
    },
  });
}

export type ControlRouter = ReturnType<typeof controlRouter>;
