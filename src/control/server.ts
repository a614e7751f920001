import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../base/atomic-file.ts';
import { plan as usualPlan } from '../migration/plan.ts';
import { StorkyError } from '../protocol/errors.ts';
import { controlName } from '../region/link/tls.ts';
import type { Retries } from '../workflow/attempt.ts';
import { Runner } from '../workflow/runner.ts';
import { Authority } from './authority/authority.ts';
import { type Listen, startApi } from './http/listener.ts';
import { Changes } from './migrations/changes.ts';
import type { RunParts } from './migrations/runs.ts';
import { Migrations } from './migrations/service.ts';
import { Agents } from './regions/agents.ts';
import { Apps } from './regions/apps.ts';
import { Registry } from './regions/registry.ts';
import { Tunnels } from './regions/tunnels.ts';
import { AuditTable } from './state/audit.ts';
import { MigrationTable } from './state/migrations.ts';
import { openState, type State } from './state/open.ts';
import { RegionTable } from './state/regions.ts';
import { StepTable } from './state/steps.ts';
import { TokenTable } from './state/tokens.ts';

export interface ServerOptions {
  /** Keys, and the embedded database. */
  dataFolder: string;
  listen: Listen;
  /** A PostgreSQL instead of the embedded database. */
  databaseUrl?: string;
  /** A token for automation, instead of the one that is made at the first start. */
  token?: string;
  /** For tests: other steps, and less patience. */
  plan?: RunParts['plan'];
  retries?: Partial<Retries>;
}

export interface RunningServer {
  /** `https://host:port`. */
  address: string;
  /** SHA-256 of the authority's certificate, lower-case hex. */
  fingerprint: string;
  /** Only at the first start, and only here: the server keeps its hash. */
  firstToken: string | null;
  /** Stops answering, lets running phases stop where they are, and closes the state. The next start goes on. */
  close(): Promise<void>;
}

/** The control plane. Throws `folder_in_use` when another server has the data folder. One a process. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const state = await openState(options);
  const opened: (() => Promise<void>)[] = [() => state.close()];
  const close = async () => {
    for (const undo of opened.splice(0).toReversed()) await undo();
  };
  try {
    const authority = await Authority.open(options.dataFolder);
    const tokens = new TokenTable(state.pool);
    const firstToken = await firstTokenOf(tokens, authority, options.token);
    const parts = await connectParts(state, authority, options);
    opened.push(() => parts.agents.close());
    await parts.runner.launch();
    opened.push(() => parts.runner.close());
    await parts.migrations.recover();
    const api = await startApi({ ...parts, authority, tokens }, options.listen);
    opened.push(() => api.close());
    const { host } = options.listen;
    const address = `https://${host.includes(':') ? `[${host}]` : host}:${api.port}`;
    return { address, fingerprint: authority.fingerprint, firstToken, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function connectParts({ pool }: State, authority: Authority, options: ServerOptions) {
  const identity = { name: controlName, ca: authority.certificate, ...(await authority.issue(controlName, [])) };
  const regions = new RegionTable(pool);
  const table = new MigrationTable(pool);
  const agents = new Agents(regions, identity, new Tunnels(join(options.dataFolder, 'ssh')));
  const apps = new Apps(regions, agents);
  const runner = new Runner({ pool, executor: serverId(options.dataFolder), retries: options.retries });
  const migrations = new Migrations({
    runner,
    apps,
    migrations: table,
    steps: new StepTable(pool),
    changes: new Changes(),
    connect: (region) => apps.in(region),
    plan: options.plan ?? usualPlan,
  });
  const registry = new Registry({ regions, migrations: table, authority, agents });
  return { runner, agents, apps, migrations, registry, audit: new AuditTable(pool) };
}

async function firstTokenOf(tokens: TokenTable, authority: Authority, given?: string): Promise<string | null> {
  if (given !== undefined) {
    if (given.length < 16)
      throw new StorkyError('bad_request', {
        field: 'STORKY_TOKEN',
        detail: 'STORKY_TOKEN is shorter than 16 characters',
      });
    await tokens.keep('given at the start', given);
    return null;
  }
  if ((await tokens.list()).length > 0) return null;
  return (await tokens.create('first', authority.fingerprint)).token;
}

/** Whose runs these are, also after a restart. */
function serverId(dataFolder: string): string {
  const path = join(dataFolder, 'server.json');
  const known = readJson<{ id: string }>(path);
  if (known) return known.id;
  const id = randomUUID();
  writeJsonAtomic(path, { id });
  return id;
}
