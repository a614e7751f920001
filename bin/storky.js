#!/usr/bin/env node
// Runs the compiled CLI where there is one (an installed package), else the TypeScript source (a clone).
// It needs Node 24; a clone on an older machine brings its own as the package `node`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const brought = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const compiled = new URL('../dist/cli/main.js', import.meta.url);
  const from = existsSync(source) ? source : compiled;
  // V8 keeps what its young heap has grown to, so what runs for long says how small it is to be before anything else is loaded.
  if (process.argv.includes('agent') || process.argv.includes('server')) {
    const base = async (name) => import(new URL(`../base/${name}${from === source ? '.ts' : '.js'}`, from).href);
    (await base('allocator')).keepAllocatorSmall();
    (await base('heap')).keepHeapSmall();
  }
  await import(from.href);
} else if (existsSync(brought)) {
  const child = spawn(brought, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} else {
  console.error(`Storky needs Node 24 or later; this is ${process.version}.`);
  process.exit(1);
}
