import { processIo } from './io.ts';
import { runCli } from './run.ts';

process.exitCode = await runCli(process.argv.slice(2), processIo());
// Keep-alive connections to the server would hold the process for some seconds more.
if (process.stdout.writableLength === 0) process.exit();
process.stdout.once('drain', () => process.exit());
