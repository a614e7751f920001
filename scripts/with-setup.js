// `node scripts/with-setup.js COMMAND …`: sets up what is missing, then runs the command on the Node that the project brings.
// A shell's `setup && command` would not do: it looks up `node` once, before the newer one is there.
import { spawn } from 'node:child_process';
import { setUp, withOurPrograms } from './setup.js';

if (!setUp()) process.exit(1);
const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { env: withOurPrograms(), stdio: 'inherit' });
process.on('SIGINT', () => {}); // Ctrl-C reaches the command too: passed on, it would count as a second one
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 1;
  if (signal) console.error(`${command} was ended by ${signal}`);
});
