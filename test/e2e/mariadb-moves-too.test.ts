import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Migration } from '../../src/protocol/migration.ts';
import { waitFor } from '../support/wait-for.ts';
import { closeTheGuestbook, Guests, openGuestbook, rowsOf } from './stage/guestbook.ts';
import { Stage } from './stage/stage.ts';

const installed = existsSync('/usr/sbin/mariadbd');
if (!installed && process.env.CI === 'true') throw new Error('mariadb-server is not installed');
if (!installed) console.warn('SKIPPED: mariadb-server is not installed');

const app = 'guestbook';

it.skipIf(!installed)('an app on MariaDB moves under load: every line once, under its number', async () => {
  const stage = await Stage.set();
  await openGuestbook(stage, stage.west);
  const guests = new Guests(stage.west);
  await guests.reached(50);

  const { id } = await stage.api.migrations.create({ app, from: 'west', destination: 'east' });
  const { status, report } = await atRest(stage, id);
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  for (const step of ['prepare', 'data', 'finalize'] as const) {
    await stage.api.migrations.run({ app, id, step });
    const { steps, status: now } = await atRest(stage, id);
    const expected = { prepare: 'prepared', data: 'data-migrated', finalize: 'done' }[step];
    expect(now, JSON.stringify(steps.at(-1))).toBe(expected);
  }
  await guests.reached(guests.acknowledged.size + 50);
  await closeTheGuestbook(guests, stage.east);

  const done = await atRest(stage, id);
  expect(done.report.switches).toMatchObject([{ outcome: 'switched', refused: 0 }]);
  expect(done.report.switches[0]!.freezeMs).toBeLessThan(done.budgetMs);
  expect(guests.servedBy.east).toBeGreaterThan(0);
  // The old one lets nobody in any more.
  await expect(rowsOf(stage.west, 'SELECT 1')).rejects.toThrow(/locked/);
});

function atRest(stage: Stage, id: string): Promise<Migration> {
  const look = async () => {
    const migration = await stage.api.migrations.show({ app, id });
    return ['created', 'running'].includes(migration.status) ? undefined : migration;
  };
  return waitFor(look, { timeout: 120_000, every: 100, what: 'the phase to end' });
}
