import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Migration } from '../../src/protocol/migration.ts';
import { checkLedger, forkVisitors, type Visitors } from '../shop/visitors/index.js';
import { performOnDocker } from './docker.ts';
import { Processes } from './processes.ts';
import { from, type Stage, setTheStage, storesOf, to } from './stage.ts';
import { chapter, checked, phases, tell, tick } from './story.ts';
import { judge, type Verdict, verdictTable } from './verdict.ts';
import { walkOnDocker } from './walk.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean' },
    keep: { type: 'boolean' },
    docker: { type: 'boolean' },
    walk: { type: 'boolean' },
    rate: { type: 'string' },
  },
});
const started = performance.now();
const rate = Number(flags.rate ?? (flags.docker ? 200 : 300));

const folder = mkdtempSync(join(tmpdir(), 'storky-demo-'));
chmodSync(folder, 0o755);
const processes = new Processes(folder);
let stage: Stage | undefined;
const endings: (() => unknown)[] = [];
try {
  const verdict = flags.docker ? await onDocker() : await perform();
  console.error(`\n${verdictTable(verdict)}\n`);
  tell(
    verdict.ok
      ? 'Nothing was lost, nobody saw an error.'
      : 'This is not what Storky promises: look at the figures in red.',
  );
  if (flags.keep && stage) await keep(stage);
  if (flags.json) console.log(JSON.stringify(verdict));
  process.exitCode = verdict.ok ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  tell(`the logs are kept in ${folder}`);
  flags.keep = true;
  process.exitCode = 1;
} finally {
  await processes.stopAll();
  for (const end of endings) await end();
  if (!flags.keep) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

function onDocker(): Promise<Verdict> {
  const how = { folder, rate, started, atEnd: (work: () => unknown) => void endings.unshift(work) };
  return flags.walk ? walkOnDocker(how) : performOnDocker(how);
}

async function perform(): Promise<Verdict> {
  chapter('Two regions on this machine');
  stage = await setTheStage(processes, tell);

  chapter(`Visitors come: ${rate} requests a second, half of them writes`);
  const visitors = await forkVisitors({
    url: stage.routers[from]!,
    hostHeader: stage.hostName,
    rate,
    onTick: tick,
  });
  await sleep(3_000);
  const migration = await move(visitors);

  chapter('The ledger: every write that was confirmed, looked for in the new home');
  await sleep(3_000);
  const summary = await visitors.stop();
  await sleep(1_500);
  const ledger = await checkLedger(visitors.ledger(), storesOf(processes, to));
  for (const failure of summary.failures.slice(0, 5))
    tell(`failed after ${failure.at} s: ${failure.request}: ${failure.reason}`);
  for (const line of [...ledger.lost, ...ledger.duplicated, ...ledger.overlappingWorkers].slice(0, 5)) tell(line);
  return judge(summary, ledger, migration, (performance.now() - started) / 1000);
}

async function move(visitors: Visitors): Promise<Migration> {
  chapter(`storky --region ${from} --app shop migration-create --to ${to}`);
  const { id, report } = await processes.json<Migration>([
    '--region',
    from,
    '--app',
    'shop',
    'migration-create',
    '--to',
    to,
    '--yes',
  ]);
  tell(checked(report));
  for (const [phase, what] of phases) {
    chapter(`storky --app shop migration-run --${phase} ${id}`);
    tell(what);
    await processes.run(['--app', 'shop', 'migration-run', `--${phase}`, id, '--yes'], { live: !flags.json });
    tell(`${visitors.summary().requests} requests so far, ${visitors.summary().failed} failed`);
  }
  return await processes.json<Migration>(['--app', 'shop', 'migration-follow', id]);
}

async function keep({ server, routers, hostName }: Stage): Promise<void> {
  tell(`everything goes on running; Ctrl-C ends it. Control plane ${server}`);
  for (const [region, url] of Object.entries(routers)) tell(`${region}: curl -H 'Host: ${hostName}' ${url}`);
  tell(`XDG_CONFIG_HOME=${join(folder, 'config')} storky migrations --app shop`);
  await new Promise((resolve) => process.once('SIGINT', resolve));
}
