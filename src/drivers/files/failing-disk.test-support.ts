import * as fs from 'node:fs';
import { join } from 'node:path';
import { Rig } from './test-rig.ts';

/** A process of its own, in which syncing `late` on the target fails once: says on stdout how a switch went nevertheless. */
const [base, when] = process.argv.slice(2) as [string, string];
const size = 3_000_000;
await using rig = await Rig.start({ base });
fs.writeFileSync(join(rig.from, 'early'), 'early');
await rig.copyAndFollow();
const before = rig.sent;
fs.writeFileSync(join(rig.from, 'late'), Buffer.alloc(size, 'late'));
if (when === 'while following') await rig.inSync();
let attempts = 0;
for (let switched = false; !switched && attempts < 8; ) {
  const ended = await rig.switch(++attempts, 5_000).catch((error: Error) => error);
  switched = !(ended instanceof Error);
  if (!switched) await rig.source.unfence();
}
const equal = fs.readFileSync(join(rig.from, 'late')).equals(fs.readFileSync(join(rig.to, 'late')));
process.stdout.write(JSON.stringify({ attempts, equal, sent: (rig.sent - before) / size }));
