import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { bytes } from '../show/units.ts';
import { copyLimit, limitHelp } from '../watch/copy-limit.ts';
import { followCommand } from '../watch/next.ts';

export const migrationLimit = defineCommand({
  name: 'migration-limit',
  group: 'Move an app',
  summary: 'Set how fast a migration copies, also while it does',
  args: { id: spec('<id>', 'of the migration', z.string()), rate: spec('<rate>', limitHelp, copyLimit) },
  options: {},
  needs: 'server',
  async run({ server, paint, ...context }, { id, rate }) {
    const app = requiredApp({ server, paint, ...context });
    const migration = await server.api.migrations.limit({ app, id, copyLimit: rate });
    const set =
      rate === null
        ? 'No limit: as fast as the source bears.'
        : `${bytes(rate)} a second from now on, however the source fares.`;
    return { data: migration, text: `${set}\n${paint.bold('Next:')} ${paint.cyan(followCommand(migration))}` };
  },
});
