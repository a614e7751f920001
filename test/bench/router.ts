import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/base/free-port.ts';
import { RouterClient } from '../../src/router/client.ts';
import { projectRoot, type Spawned, spawnGroup } from '../support/spawned.ts';
import { unmanagedTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

export interface RouterMeasurement {
  bench: 'router';
  peer: 'nginx' | 'caddy';
  /** Ours divided by the peer's: requests in a second of one core's time. */
  ratio: number;
  oursRps: number;
  peerRps: number;
}

const rounds = 3;
const seconds = 3;
const connections = 64;

/**
 * Three reverse proxies before the same upstream, each on one core, the load and the upstream on the other; in turn, in
 * several rounds, the median of each. Counted are requests in a second of the core's time: where the proxy has its core
 * to itself that is the requests a second; where other work takes a share of it, it still is what the core could do.
 */
export async function* benchRouter(): AsyncGenerator<RouterMeasurement> {
  for (const [command, name] of [
    ['wrk', 'wrk'],
    ['nginx', 'nginx'],
    ['caddy', 'caddy'],
  ] as const)
    needs(command, name);
  const { path: folder, remove } = unmanagedTempFolder('bench-router');
  const ended: (() => Promise<void>)[] = [remove as unknown as () => Promise<void>];
  const run = (core: number, command: string, args: string[], env: Record<string, string> = {}): Spawned => {
    const group = spawnGroup(...pinned(core, command, args), { cwd: folder, env });
    ended.unshift(group.end);
    return group.spawned;
  };
  try {
    const upstream = await startUpstream(folder, run);
    const ports = {
      storky: await startStorky(folder, upstream.port, run),
      nginx: await startNginx(folder, upstream.port, run),
      caddy: await startCaddy(folder, upstream.port, run),
    };
    const rps: Record<keyof typeof ports, number[]> = { storky: [], nginx: [], caddy: [] };
    const names = ['storky', 'nginx', 'caddy'] as const;
    for (const name of names) measure(ports[name], 1);
    for (let round = 0; round < rounds; round++)
      for (const name of names) rps[name].push(measure(ports[name], seconds));
    const oursRps = median(rps.storky);
    for (const peer of ['nginx', 'caddy'] as const) {
      const peerRps = median(rps[peer]);
      yield { bench: 'router', peer, ratio: Number((oursRps / peerRps).toFixed(3)), oursRps, peerRps };
    }
  } finally {
    for (const end of ended) await end();
  }
}

interface Proxy {
  port: number;
  pid: number;
}

type Run = (core: number, command: string, args: string[], env?: Record<string, string>) => Spawned;

async function startUpstream(folder: string, run: Run): Promise<Proxy> {
  const port = await freePort();
  const location = `return 200 "${'x'.repeat(200)}\\n";`;
  const server = run(1, 'nginx', ['-p', folder, '-c', nginxConfig(folder, 'upstream', port, '', location)]);
  return listening(port, server);
}

async function startNginx(folder: string, upstream: number, run: Run): Promise<Proxy> {
  const port = await freePort();
  const pool = `upstream app { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 1000000; }`;
  const location = `proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;`;
  const server = run(0, 'nginx', ['-p', folder, '-c', nginxConfig(folder, 'proxy', port, pool, location)]);
  return listening(port, server);
}

function nginxConfig(folder: string, name: string, port: number, extra: string, location: string): string {
  const path = join(folder, `${name}.conf`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${name}-${kind};`,
  );
  writeFileSync(
    path,
    `daemon off; worker_processes 1; pid ${folder}/${name}.pid; error_log stderr crit;
events { worker_connections 2048; }
http { access_log off; keepalive_requests 10000000; ${temporary.join(' ')} ${extra}
  server { listen 127.0.0.1:${port}; location / { ${location} } } }\n`,
  );
  return path;
}

async function startCaddy(folder: string, upstream: number, run: Run): Promise<Proxy> {
  const port = await freePort();
  const path = join(folder, 'Caddyfile');
  writeFileSync(
    path,
    `{\n  admin off\n  auto_https off\n}\nhttp://127.0.0.1:${port} {\n  reverse_proxy 127.0.0.1:${upstream}\n}\n`,
  );
  const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const server = run(0, 'caddy', ['run', '--config', path, '--adapter', 'caddyfile'], { GOMAXPROCS: '1', ...home });
  return listening(port, server);
}

async function startStorky(folder: string, upstream: number, run: Run): Promise<Proxy> {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=bench'.split(' '),
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  const here = { host: '127.0.0.1', port: 0 };
  const config = {
    region: 'bench',
    stateFile: join(folder, 'router.json'),
    socketPath: join(folder, 'router.sock'),
    http: here,
    ingress: { ...here, cert, key, ca: cert },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const router = run(0, process.execPath, [join(projectRoot, 'src/router/main.ts'), join(folder, 'config.json')]);
  const [line] = await router.says(/\{"ready".*\}/);
  const client = new RouterClient(config.socketPath);
  const gate = { app: 'bench', hosts: ['127.0.0.1'], upstreams: [`127.0.0.1:${upstream}`], state: 'serve' };
  await client.put(gate as never);
  client.close();
  return { port: (JSON.parse(line) as { ports: { http: number } }).ports.http, pid: router.pid };
}

/** Requests in a second of the core's time; anything but a good answer ends the bench. */
function measure({ port, pid }: Proxy, duration: number): number {
  const [command, args] = pinned(1, 'wrk', ['-t1', `-c${connections}`, `-d${duration}s`, `http://127.0.0.1:${port}/`]);
  const before = processorSeconds(pid);
  const output = execFileSync(command, args, { encoding: 'utf8' });
  const used = processorSeconds(pid) - before;
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`the load met errors:\n${output}`);
  return Math.round(Number(/(\d+) requests in/.exec(output)![1]) / used);
}

/** Of a process and its children, so far. /proc counts in hundredths of a second. */
function processorSeconds(pid: number): number {
  const [, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ') as [string, string];
  const [user, system] = rest.split(' ').slice(11, 13).map(Number) as [number, number];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.reduce((sum, child) => sum + processorSeconds(child), (user + system) / 100);
}

/** With one core only, everything shares it. */
function pinned(core: number, command: string, args: string[]): [string, string[]] {
  return availableParallelism() > 1 ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];
}

function needs(command: string, debianPackage: string): void {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
  } catch {
    if (process.getuid?.() !== 0) throw new Error(`${command} is missing: apt-get install ${debianPackage}`);
    process.stderr.write(`installing ${debianPackage}\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], { stdio: 'ignore', env });
  }
}

async function listening(port: number, server: Spawned): Promise<Proxy> {
  const answers = () => fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
  await waitFor(answers, { timeout: 15_000 }).catch((cause) => {
    throw new Error(`a server does not answer; it said: ${server.output()}`, { cause });
  });
  return { port, pid: server.pid };
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
