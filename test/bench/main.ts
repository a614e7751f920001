import { parseArgs } from 'node:util';
import { withOwnFolder } from '../support/own-folder.ts';
import { benchCopy } from './copy.ts';
import { benchFiles } from './files.ts';
import { benchFreeze } from './freeze.ts';
import { benchRouter } from './router.ts';
import { lines } from './show.ts';

const benches = { copy: benchCopy, freeze: benchFreeze, router: benchRouter, files: benchFiles };
type Name = keyof typeof benches;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const unknown = positionals.find((name) => !(name in benches));
if (unknown !== undefined) {
  process.stderr.write(`there is no bench ${unknown}; there are ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
const chosen = (positionals.length > 0 ? positionals : Object.keys(benches)) as Name[];

await withOwnFolder(async () => {
  for (const name of chosen) {
    if (!values.json) process.stdout.write(`${lines.heading(name)}\n`);
    for await (const measurement of benches[name]())
      process.stdout.write(`${values.json ? JSON.stringify(measurement) : lines.of(measurement)}\n`);
  }
});
