import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { step } from '../../migration/step.ts';
import type { Phase } from '../../protocol/migration.ts';
import { startServer } from '../server.ts';
import { testToken } from './harness.test-support.ts';

/** A server whose steps take a while and leave their mark in a file; meant to be killed. */
const [dataFolder, port, marks, databaseUrl] = process.argv.slice(2) as [string, string, string, string | undefined];
const mark = async (what: string) => {
  appendFileSync(marks, `begin ${what}\n`);
  await sleep(120);
  appendFileSync(marks, `end ${what}\n`);
};
const slow = (phase: Phase, name: string) =>
  step({
    id: `${phase}.${name}`,
    phase,
    name,
    check: async () => 'todo',
    run: async (ctx) => {
      ctx.progress({ done: 1, total: 2, unit: 'items' });
      await mark(`${phase} ${name}`);
      await ctx.report((report) => void report.notMoved.push(name));
    },
    verify: async () => {},
    undo: () => mark(`undo ${phase} ${name}`),
  });

await startServer({
  dataFolder,
  databaseUrl,
  listen: { host: '127.0.0.1', port: Number(port) },
  token: testToken,
  plan: (phase) => (phase === 'abort' ? [] : ['a', 'b', 'c'].map((name) => slow(phase, name))),
});
appendFileSync(marks, 'up\n');
