// The visitors as a program: `node main.js --url http://127.0.0.1:8080 [--host shop.localhost] [--rate 250] [--seconds 30]
// [--connections 64] [--seed 1] [--ledger file.json] [--json]`. Ends at Ctrl-C, or after --seconds; exit code 1 if anything failed.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startVisitors } from './visitors.js';

if (process.send) answerParent();
else await runFromCommandLine();

function answerParent() {
  let visitors;
  process.on('disconnect', () => process.exit(1)); // the parent is gone: no load without a reader
  process.on('message', async ({ type, options, url }) => {
    if (type === 'start') {
      visitors = startVisitors({
        ...options,
        onTick: (tick) => process.send({ type: 'tick', tick, summary: visitors.summary() }),
      });
      process.send({ type: 'started', summary: visitors.summary() });
    }
    if (type === 'retarget') visitors.retarget(url);
    if (type === 'stop') {
      const summary = await visitors.stop();
      process.send({ type: 'stopped', summary, ledger: visitors.ledger() }, () => process.exit(0));
    }
  });
}

async function runFromCommandLine() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      url: text,
      host: text,
      rate: text,
      seconds: text,
      connections: text,
      seed: text,
      ledger: text,
      json: { type: 'boolean' },
    },
  });
  if (!values.url) throw new Error('--url http://host:port is missing');
  const show = values.json
    ? JSON.stringify
    : ({ second, ...tick }) =>
        `${second} s  ${Object.entries(tick)
          .map(([k, v]) => `${k} ${v}`)
          .join('  ')}`;
  const numbers = Object.entries({ rate: values.rate, connections: values.connections, seed: values.seed }).filter(
    ([, v]) => v,
  );
  const visitors = startVisitors({
    ...{ url: values.url, hostHeader: values.host, ...Object.fromEntries(numbers.map(([k, v]) => [k, Number(v)])) },
    onTick: (tick) => console.log(show(tick)),
  });
  await untilTold(values.seconds);
  const { timeline, ...summary } = await visitors.stop();
  if (values.ledger) writeFileSync(values.ledger, JSON.stringify(visitors.ledger()));
  console.log(values.json ? JSON.stringify({ ...summary, timeline }) : summary);
  process.exitCode = summary.failed + summary.lost.length > 0 ? 1 : 0;
}

function untilTold(seconds) {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
    if (seconds) setTimeout(resolve, Number(seconds) * 1000);
  });
}
