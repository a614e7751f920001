import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Rig } from './test-rig.ts';

const files = 6_000;
/** Of the processor's time, whatever else the machine does. */
const longestTurnMs = 150;

test('many small files in one folder, copied and compared, keep no other work of the process waiting', async () => {
  await using rig = await Rig.start();
  for (let n = 0; n < files; n++) writeFileSync(join(rig.from, `file-${n}`), `file ${n}`);
  using turns = watchTurns();
  await rig.copyAndFollow();
  const { items, differences } = await rig.verify();
  expect([items, differences]).toEqual([files, []]);
  await rig.close();
  expect(turns.longestMs).toBeLessThan(longestTurnMs);
}, 120_000);

function watchTurns() {
  const now = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const turns = { longestMs: 0, [Symbol.dispose]: () => clearImmediate(next) };
  let last = now();
  const look = () => {
    turns.longestMs = Math.max(turns.longestMs, now() - last);
    last = now();
    next = setImmediate(look);
  };
  let next = setImmediate(look);
  return turns;
}
