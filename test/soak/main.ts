// `npm run soak -- [--switches 200] [--seconds-between 5] [--rate 100] [--seed 1] [--json]`: exit code 1 if anything was lost,
// came twice or failed. What happens, in which order, is the same for the same seed.
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { keepLogs } from '../support/keep-logs.ts';
import { withOwnFolder } from '../support/own-folder.ts';
import { canRunTally } from '../tally/prepare.ts';
import { soakTable } from './result.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    switches: { type: 'string', default: '200' },
    'seconds-between': { type: 'string', default: '5' },
    rate: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean' },
  },
});
const options = {
  switches: Number(values.switches),
  secondsBetween: Number(values['seconds-between']),
  rate: Number(values.rate),
  seed: Number(values.seed),
};
for (const [name, value] of Object.entries(options))
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is not a number`);

/** Progress goes to standard error: standard output is for --json. */
const began = performance.now();
const tell = (line: string) =>
  process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(6)} s  ${line}\n`);

if (!canRunTally()) process.exit(1);
const outside = tmpdir();
await withOwnFolder(async () => {
  const folder = tmpdir();
  tell(`seed ${options.seed}: ${options.switches} switches at ${options.rate} requests a second`);
  const result = await soak({ ...options, folder, tell }).catch((error: unknown) => {
    tell(`the logs are kept in ${keepLogs(folder, outside)}`);
    throw error;
  });
  process.stderr.write(`${soakTable(result)}\n`);
  if (!result.ok) tell(`the logs are kept in ${keepLogs(folder, outside)}`);
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.ok ? 0 : 1;
});
