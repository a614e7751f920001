import type { AnyCommand } from './command.ts';
import { adopt } from './commands/adopt.ts';
import { agent } from './commands/agent.ts';
import { allowLive } from './commands/allow-live.ts';
import { app } from './commands/app.ts';
import { apply } from './commands/apply.ts';
import { apps } from './commands/apps.ts';
import { env } from './commands/env.ts';
import { login } from './commands/login.ts';
import { logs } from './commands/logs.ts';
import { migrationAbort } from './commands/migration-abort.ts';
import { migrationComplete } from './commands/migration-complete.ts';
import { migrationCreate } from './commands/migration-create.ts';
import { migrationFollow } from './commands/migration-follow.ts';
import { migrationLimit } from './commands/migration-limit.ts';
import { migrationRollback } from './commands/migration-rollback.ts';
import { migrationRun } from './commands/migration-run.ts';
import { migrationVerify } from './commands/migration-verify.ts';
import { migrations } from './commands/migrations.ts';
import { move } from './commands/move.ts';
import { plan } from './commands/plan.ts';
import { ps } from './commands/ps.ts';
import { regions } from './commands/regions.ts';
import { regionsAdd } from './commands/regions-add.ts';
import { regionsRemove } from './commands/regions-remove.ts';
import { remove } from './commands/remove.ts';
import { restart } from './commands/restart.ts';
import { scale } from './commands/scale.ts';
import { server } from './commands/server.ts';
import { start } from './commands/start.ts';
import { stop } from './commands/stop.ts';
import { tokens } from './commands/tokens.ts';
import { tokensCreate } from './commands/tokens-create.ts';
import { tokensRevoke } from './commands/tokens-revoke.ts';

/** Every command, in the order of the help within each group. A test compares this list with the folder. */
export const commands: readonly AnyCommand[] = [
  move,
  plan,
  migrationCreate,
  migrationRun,
  migrationAbort,
  migrationRollback,
  migrationComplete,
  migrationVerify,
  migrationLimit,
  migrationFollow,
  migrations,
  allowLive,
  apply,
  apps,
  adopt,
  app,
  ps,
  logs,
  start,
  stop,
  restart,
  scale,
  env,
  remove,
  regions,
  regionsAdd,
  regionsRemove,
  agent,
  server,
  login,
  tokens,
  tokensCreate,
  tokensRevoke,
];
