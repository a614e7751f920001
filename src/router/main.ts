import { readFileSync } from 'node:fs';
import { log } from '../base/log.ts';
import { RouterConfig } from './config.ts';
import { Router } from './router.ts';

/** `node main.ts <config.json>`: says on one line which ports it has when it is ready. */
const path = process.argv[2];
if (path === undefined) {
  process.stderr.write('usage: main.ts <config.json>\n');
  process.exit(2);
}

const router = await Router.start(RouterConfig.parse(JSON.parse(readFileSync(path, 'utf8'))));
process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, ports: router.ports })}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    router.stop().then(
      () => process.exit(0),
      (error) => {
        log.error({ detail: String(error) }, 'the router could not end in order');
        process.exit(1);
      },
    );
  });
process.on('SIGHUP', () => router.renew());
// One connection's accident must not end everybody's: it is logged, and its own request has failed.
process.on('uncaughtException', (error) => log.error({ detail: error.stack }, 'an error that nobody expected'));
