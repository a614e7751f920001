import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openState } from '../control/state/open.ts';
import { Runner } from './runner.ts';

/** Runs one run of slow steps that leave their mark in a file; meant to be killed, and started again, until it is done. */
const [dataFolder, marks, count] = process.argv.slice(2) as [string, string, string];
const mark = (text: string) => appendFileSync(marks, `${text}\n`);

const state = await openState({ dataFolder });
const runner = new Runner({ pool: state.pool, executor: 'child' }).define<number>('slow', {
  steps: async (n) =>
    Array.from({ length: n }, (_, i) => ({
      id: `step-${i}`,
      async execute() {
        mark(`begin ${i}`);
        await sleep(40);
        mark(`end ${i}`);
      },
    })),
  async ended(_, outcome) {
    mark(outcome.end);
    await sleep(40);
  },
});
await runner.launch();
await runner.start('slow', 'the-run', Number(count));
mark('up');
while ((await runner.standing('the-run')) !== 'ended') await sleep(50);
await runner.close();
await state.close();
