import { expect, it } from 'vitest';
import { projectRoot, spawnForTest } from '../support/spawned.ts';
import { canRunTally } from '../tally/prepare.ts';

/** `npm run soak`, in short: with a rollback, the end of a way back, and a fresh move the other way. */
const options = ['--switches', '4', '--seconds-between', '1', '--rate', '40', '--seed', '1', '--json'];

it.skipIf(!canRunTally())(
  'switches and rollbacks in a row under load, with every kind of store: nothing lost, nothing twice, nothing refused',
  { timeout: 900_000 },
  async () => {
    const soak = spawnForTest(process.execPath, [`${projectRoot}test/soak/main.ts`, ...options]);
    const { code } = await soak.ended;
    expect(code, soak.output()).toBe(0);
    const result = JSON.parse(soak.stdout().trim().split('\n').at(-1)!);
    expect(result).toMatchObject({ ok: true, switches: 4, failed: 0, lost: 0, duplicated: 0, orphans: 0, seed: 1 });
    for (const figure of ['rollbacks', 'completed', 'requests', 'held', 'freezeP99Ms', 'rollbackP99Ms'])
      expect(result[figure], figure).toBeGreaterThan(0);
  },
);
