import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { expect, onTestFinished } from 'vitest';
import {
  type Ledger,
  type LedgerPlace,
  type LedgerVerdict,
  type Summary,
  startVisitors,
  type Visitors,
} from '../../../examples/shop/visitors/index.js';
import { type DockerHost, startDockerHost } from '../../support/docker-host.ts';
import { shopImages } from '../../support/shop-images.ts';
import { type AtEnd, projectRoot, runStorky, spawnForTest } from '../../support/spawned.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait-for.ts';
import { agentPorts, enter, type Host, Network } from './network.ts';
import { nginxConf } from './nginx-before-a-port.ts';
import { withReceipts } from './receipts.ts';
import type { Region } from './region.ts';
import { Stage } from './stage.ts';

/** Where each host has its projects. Both are one machine, so each sees a folder of its own there. */
export const projects = '/srv';
const folder = `${projects}/shop`;
/** Of the web container, where its owner has given it one that stays. */
export const webAddress = '10.213.77.10';
export const port = 8000;

const composeFile = `version: "3.8"
services:
  db:
    image: postgres:15
    command: ["-c", "wal_level=logical"]
    environment: { POSTGRES_USER: shop, POSTGRES_PASSWORD: "sec/ret+1", POSTGRES_DB: shop }
    volumes: ["db:/var/lib/postgresql/data"]
    restart: unless-stopped
  receipts:
    image: redis:7
    command: ["--appendonly", "yes"]
    volumes: ["receipts:/data"]
    restart: unless-stopped
  web:
    image: shop-web:latest
    environment: &environment
      REDIS_URL: "redis://receipts:6379"
      DATABASE_URL: "postgresql://shop:sec%2Fret%2B1@db:5432/shop"
      UPLOADS: /uploads
      HOST: 0.0.0.0
      PORT: "3000"
    ports: ["${port}:3000"]
    volumes: ["uploads:/uploads", "./branding:/app/branding:ro"]
    depends_on: [db, receipts]
    restart: always
    x-storky: { health: /health }
  worker:
    image: shop-web:latest
    command: ["node", "worker.js"]
    environment: *environment
    depends_on: [db]
    restart: unless-stopped
volumes: { db: {}, receipts: {}, uploads: {} }
`;

const withFixedAddress = (file: string): string =>
  file
    .replace(`    ports: ["${port}:3000"]`, `    networks: { default: { ipv4_address: ${webAddress} } }\n$&`)
    .concat('networks: { default: { ipam: { config: [{ subnet: 10.213.77.0/24 }] } } }\n');

/** What somebody runs on the west: its containers are called `shop_…`. */
export interface ComposeProject {
  composeFile: string;
  /** Puts the images there, as if they had been pulled. */
  images(docker: Docker, folder: string): Promise<void>;
}

const shop: ComposeProject = { composeFile, images: shopImages };

export interface ComposeHost {
  readonly name: 'west' | 'east';
  readonly docker: Docker;
  readonly daemon: DockerHost;
  readonly address: string;
  /** As visitors come to it. */
  readonly url: string;
  /** All that Docker tells of containers, networks and volumes, and the rules of the host's packet filter. */
  inspected(): Promise<unknown>;
  /** What the shop's database answers, as its owner asks it. */
  sql(text: string): Promise<string>;
  /** The same of its receipts. */
  redis(...words: string[]): string;
  /** nginx before the shop's published port, as many hosts have it. */
  proxy(): Promise<string>;
  /** The folder behind /srv, as tests see it. */
  readonly folder: string;
  /** Brings the project up, as its owner does; `fixed`: its web container has an address that stays. */
  up(options?: { fixed?: boolean }): Promise<void>;
  compose(...args: string[]): SpawnSyncReturns<string>;
  /** The command that runs another one on that host. */
  enter(command: string[]): string[];
  /** Runs a command on that host. */
  run(...command: string[]): SpawnSyncReturns<string>;
}

/** Two Docker hosts with an agent each, that share nothing but the link; on one of them somebody runs a shop with Compose. */
export async function composeHosts(
  own = ofTheTest(),
  project = shop,
): Promise<{
  stage: Stage;
  west: ComposeHost;
  east: ComposeHost;
  storky(...args: string[]): Promise<string>;
}> {
  const { here, west, east } = await dockerHosts(own, project);
  const stage = await Stage.set({
    own,
    host: here,
    region: (name) => {
      const host = name === 'west' ? west : east;
      return {
        host: host.address,
        ports: agentPorts,
        enter: host.enter,
        args: ['--docker', host.daemon.socket],
      };
    },
  });
  const storky = async (...args: string[]) => {
    const { code, output } = await runStorky([...args, '--yes'], { env: stage.env, atEnd: own.atEnd });
    if (code !== 0) throw new Error(`storky ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  };
  return { stage, west, east, storky };
}

/** The hosts alone, without Storky; `here` is this machine's address for them. */
export async function dockerHosts(
  own: Own,
  project = shop,
): Promise<{ here: string; west: ComposeHost; east: ComposeHost }> {
  const network = Network.make({ open: true, atEnd: own.atEnd });
  const [west, east] = await Promise.all([
    hostOf('west', network.west, own, project),
    hostOf('east', network.east, own, project),
  ]);
  return { here: network.here, west, east };
}

/** One that has nothing yet, and no Storky. */
export async function dockerHostAlone(own = ofTheTest()): Promise<ComposeHost> {
  return await hostOf('west', Network.make({ open: true, atEnd: own.atEnd }).west, own, shop);
}

export interface Own {
  atEnd: AtEnd;
  folder: string;
}

const ofTheTest = (): Own => ({ atEnd: onTestFinished, folder: tempFolder('hosts') });

/** The machine goes down without a word, with all that runs on it, and comes up again. */
export async function reboot(region: Region, host: ComposeHost): Promise<void> {
  const { pid } = await region.router((router) => router.status());
  await region.killAgent();
  process.kill(pid, 'SIGKILL');
  await host.daemon.stop();
  await host.daemon.start();
  await region.startAgent();
}

/** Visitors of the shop where it is published; they leave with the test. */
export async function openForBusiness(url: string, webSockets = 2): Promise<Visitors> {
  await waitFor(
    () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    { timeout: 60_000, what: 'the shop' },
  );
  const visitors = startVisitors({ url, hostHeader: 'shop.localhost', rate: 60, connections: 24, webSockets });
  onTestFinished(() => void visitors.stop());
  await served(visitors);
  return visitors;
}

/** Some more of what the visitors do is answered. */
export async function served(visitors: Visitors, count = 100): Promise<void> {
  const before = visitors.summary().requests;
  await waitFor(() => visitors.summary().requests > before + count, { timeout: 60_000, what: 'answers' });
}

/** Each acknowledged write is there, exactly once, on the host that serves; nobody has seen an error. */
export async function closeTheBooks(visitors: Visitors, at: ComposeHost, { failed = 0 } = {}): Promise<Summary> {
  const summary = await visitors.stop();
  const verdict = await checkOn(at, visitors.ledger(), onTestFinished);
  expect(verdict).toMatchObject({ ok: true, lost: [], duplicated: [], overlappingWorkers: [] });
  expect(summary.failed, JSON.stringify(summary.failures)).toBeLessThanOrEqual(failed);
  expect(summary.lost).toEqual([]);
  expect(verdict.acknowledged).toBeGreaterThan(0);
  return summary;
}

/** By the database and the folder themselves, which are reached from that host alone. */
export async function checkOn(at: ComposeHost, ledger: Ledger, atEnd: AtEnd): Promise<LedgerVerdict> {
  const { NetworkSettings } = await at.docker.getContainer('shop_db_1').inspect();
  const { Mountpoint: uploadsFolder } = await at.docker.getVolume('shop_uploads').inspect();
  const { IPAddress } = NetworkSettings.Networks.shop_default!;
  const place: LedgerPlace = { databaseUrl: `postgresql://shop:sec%2Fret%2B1@${IPAddress}:5432/shop`, uploadsFolder };
  const program = `
    const { checkLedger } = await import('${projectRoot}examples/shop/visitors/index.js');
    const { ledger, place } = JSON.parse(await new Response(process.stdin).text());
    console.log(JSON.stringify(await checkLedger(ledger, place)));`;
  const [command, ...args] = at.enter([process.execPath, '--input-type=module', '-e', program]);
  const checking = spawnForTest(command!, args, { input: JSON.stringify({ ledger, place }), atEnd });
  const { code } = await checking.ended;
  if (code !== 0) throw new Error(`the ledger could not be checked: ${checking.output()}`);
  return withReceipts(JSON.parse(checking.stdout()) as LedgerVerdict, ledger, at);
}

async function hostOf(
  name: 'west' | 'east',
  host: Host,
  { atEnd, folder: parent }: Own,
  { images, composeFile }: ComposeProject,
): Promise<ComposeHost> {
  const own = join(parent, `srv-${name}`);
  mkdirSync(own, { mode: 0o755 });
  const inside = (command: string[]) =>
    enter(host, ['unshare', '--mount', 'sh', '-c', `mount --bind '${own}' ${projects} && exec "$@"`, 'sh', ...command]);
  const daemon = await startDockerHost({ namespace: host.namespace, enter: inside, atEnd });
  const run = (...command: string[]) => {
    const [program, ...args] = inside(command);
    return spawnSync(program!, args, {
      encoding: 'utf8',
      env: { ...process.env, DOCKER_HOST: `unix://${daemon.socket}` },
    });
  };
  const compose = (...args: string[]) => run('sh', '-c', `cd ${folder} && exec docker-compose "$@"`, 'sh', ...args);
  return {
    name,
    folder: own,
    daemon,
    docker: daemon.docker,
    address: host.address,
    url: `http://${host.address}:${port}`,
    enter: inside,
    run,
    compose,
    async inspected() {
      const list = await daemon.docker.listContainers({ all: true });
      const containers = await Promise.all(list.map(({ Id }) => daemon.docker.getContainer(Id).inspect()));
      // Docker tells the mounts in another order each time.
      for (const { Mounts } of containers) Mounts.sort((a, b) => a.Destination.localeCompare(b.Destination));
      const networks = (await daemon.docker.listNetworks()).sort((a, b) => a.Name.localeCompare(b.Name));
      // Its time is that of the newest file.
      const volumes = (await daemon.docker.listVolumes()).Volumes.map(
        ({ CreatedAt: _, ...volume }: { CreatedAt?: string; Name: string }) => volume,
      );
      volumes.sort((a, b) => a.Name.localeCompare(b.Name));
      const rules = run('sh', '-c', 'iptables-save; nft list ruleset').stdout.replaceAll(
        /^#.*$|\[\d+:\d+\]|packets \d+ bytes \d+/gm,
        '',
      );
      const images = (await daemon.docker.listImages()).map(({ Id, RepoTags }) => ({ Id, RepoTags }));
      images.sort((a, b) => a.Id.localeCompare(b.Id));
      return { containers, networks, volumes, images, rules };
    },
    async sql(text) {
      const { stdout, stderr } = run('docker', 'exec', 'shop_db_1', 'psql', '-U', 'shop', '-d', 'shop', '-tAc', text);
      return stdout + stderr;
    },
    redis(...words) {
      const { stdout, stderr } = run('docker', 'exec', 'shop_receipts_1', 'redis-cli', '--raw', ...words);
      return stdout + stderr;
    },
    async proxy() {
      writeFileSync(join(own, 'nginx.conf'), nginxConf(host.address, port, projects));
      const [program, ...args] = inside(['nginx', '-c', `${projects}/nginx.conf`, '-e', 'stderr', '-g', 'daemon off;']);
      spawnForTest(program!, args, { atEnd });
      const url = `http://${host.address}:80`;
      await waitFor(() => fetch(url).then(() => true), { timeout: 20_000, what: 'nginx' });
      return url;
    },
    async up({ fixed = false } = {}) {
      await images(daemon.docker, parent);
      const project = join(own, 'shop');
      mkdirSync(join(project, 'branding'), { recursive: true });
      writeFileSync(join(project, 'branding/logo.svg'), '<svg/>');
      writeFileSync(join(project, 'docker-compose.yml'), fixed ? withFixedAddress(composeFile) : composeFile);
      const { status, stderr } = compose('up', '-d');
      if (status !== 0) throw new Error(`docker-compose up: ${stderr}`);
    },
  };
}
