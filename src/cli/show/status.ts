import type { MigrationStatus } from '../../protocol/migration.ts';
import type { Paint } from './paint.ts';

type Colour = 'red' | 'green' | 'blue' | 'yellow' | 'dim';

const migration: Record<MigrationStatus, Colour> = {
  created: 'blue',
  running: 'yellow',
  'preflight-success': 'green',
  'preflight-error': 'red',
  prepared: 'blue',
  'data-migrated': 'blue',
  done: 'green',
  aborting: 'blue',
  aborted: 'red',
  error: 'red',
  'rolling-back': 'blue',
  'rolled-back': 'blue',
  completed: 'green',
};

const other: Record<string, Colour> = {
  running: 'green',
  scheduled: 'green',
  reachable: 'green',
  starting: 'yellow',
  migrating: 'yellow',
  'awaiting-agent': 'yellow',
  'backing-off': 'yellow',
  crashed: 'red',
  unreachable: 'red',
  stopped: 'dim',
  moved: 'dim',
  new: 'dim',
};

export const migrationStatus = (status: MigrationStatus, paint: Paint) => paint[migration[status]](status);

/** Of an app, a process or a region. */
export const status = (text: string, paint: Paint) => paint[other[text] ?? 'dim'](text);
