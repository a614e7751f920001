import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { spawnForTest } from '../../../../test/support/spawned.ts';
import { tempFolder } from '../../../../test/support/temp-folder.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { unprivilegedAccount } from '../../../base/account.ts';
import { freePort } from '../../../base/free-port.ts';
import type { ProxyPlace } from '../../../protocol/proxy.ts';
import type { GateDriver, GateOrder } from '../contract.ts';
import { proxies } from '../drivers.ts';
import { servers as serversOf } from '../proxy/haproxy-socket.ts';

/** A server that says its name; `stop` and `start` on the same port. `asked` counts what reached it. */
async function named(name: string) {
  let server: Server;
  let asked = 0;
  const start = async (port: number) => {
    server = createServer((request, response) => {
      asked++;
      request.resume().on('end', () => response.end(name));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const port = await start(0);
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(() => (server.listening ? stop() : undefined));
  return { port, stop, again: () => start(port), asked: () => asked };
}

export interface Stage {
  driver: GateDriver;
  order: GateOrder;
  port: number;
  app: Awaited<ReturnType<typeof named>>;
  gate: Awaited<ReturnType<typeof named>>;
  /** The configuration as the proxy has it. */
  configuration(): Promise<string>;
}

async function servers() {
  const [app, gate, port] = [await named('app'), await named('gate'), await freePort()];
  const folder = tempFolder('proxy');
  const account = unprivilegedAccount();
  if (account) chownSync(folder, account.uid, account.gid);
  const as = account ? ['setpriv', '--reuid', `${account.uid}`, '--regid', `${account.gid}`, '--clear-groups'] : [];
  const orderFor = (place: ProxyPlace): GateOrder => ({
    app: 'shop',
    folder,
    entries: [{ name: 'web', routerPort: gate.port, ways: [] }],
    proxy: { place, upstreams: [`127.0.0.1:${app.port}`], router: `127.0.0.1:${gate.port}` },
  });
  return { app, gate, port, folder, as, orderFor };
}

export async function behindNginx(): Promise<Stage> {
  const { app, gate, port, folder, as, orderFor } = await servers();
  const file = join(folder, 'shop.conf');
  writeFileSync(
    file,
    `# the shop; server 1.2.3.4;\nupstream shop {\n  # server 127.0.0.1:1;\n\tserver 127.0.0.1:${app.port}  weight=2;\n  keepalive 8;\n}\nupstream other { server 127.0.0.1:9; }\n`,
  );
  chmodSync(file, 0o640);
  const config = join(folder, 'nginx.conf');
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    config,
    `daemon off; pid ${folder}/pid; error_log stderr; worker_processes 1; events {}
http { access_log off; ${temp.join(' ')} include ${file};
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  );
  const nginx = [...as, '/usr/sbin/nginx', '-p', folder, '-c', config];
  const [program, ...args] = nginx as unknown as [string, ...string[]];
  if (as.length > 0) chownSync(file, Number(as[2]), Number(as[4]));
  spawnForTest(program, args);
  const order = orderFor({ kind: 'nginx', file, test: [...nginx, '-t'], reload: [...nginx, '-s', 'reload'] });
  await listening(port);
  return {
    driver: proxies[order.proxy!.place.kind]!,
    order,
    port,
    app,
    gate,
    configuration: async () => readFileSync(file, 'utf8'),
  };
}

export async function behindCaddy(): Promise<Stage> {
  const { app, gate, port, folder, as, orderFor } = await servers();
  const admin = `127.0.0.1:${await freePort()}`;
  const handle = [
    {
      handler: 'reverse_proxy',
      load_balancing: { try_duration: '5s' },
      upstreams: [{ dial: `127.0.0.1:${app.port}` }],
      headers: { request: { set: { 'X-Shop': ['yes'] } } },
    },
  ];
  const routes = [{ handle: [{ handler: 'subroute', routes: [{ handle }] }] }];
  const shop = { listen: [`127.0.0.1:${port}`], routes };
  const config = { admin: { listen: admin }, apps: { http: { servers: { shop } } } };
  writeFileSync(join(folder, 'caddy.json'), JSON.stringify(config));
  const [program, ...args] = [...as, 'caddy', 'run', '--config', join(folder, 'caddy.json')] as unknown as [
    string,
    ...string[],
  ];
  spawnForTest(program, args, { cwd: folder, env: { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder } });
  const order = orderFor({ kind: 'caddy', admin: `http://${admin}` });
  await listening(port);
  const configuration = async () => (await fetch(`http://${admin}/config/`)).text();
  return { driver: proxies[order.proxy!.place.kind]!, order, port, app, gate, configuration };
}

export async function behindHaproxy(how = '', level = 'admin'): Promise<Stage & { folder: string }> {
  const { app, gate, port, folder, as, orderFor } = await servers();
  const [socket, config] = [join(folder, 'admin.sock'), join(folder, 'haproxy.cfg')];
  writeFileSync(
    config,
    `global
  stats socket ${socket} level ${level}
defaults
  mode http
  option redispatch
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend shop
  bind 127.0.0.1:${port}
  default_backend shop
backend shop
  ${how}
  server one 127.0.0.1:${app.port} weight 7
  server away 127.0.0.1:${app.port} disabled
backend other
  server one 127.0.0.1:9
`,
  );
  const [program, ...args] = [...as, '/usr/sbin/haproxy', '-db', '-f', config] as unknown as [string, ...string[]];
  spawnForTest(program, args);
  const order = orderFor({ kind: 'haproxy', socket });
  await listening(port);
  const configuration = async () => readFileSync(config, 'utf8') + JSON.stringify(await serversOf(socket));
  return { driver: proxies[order.proxy!.place.kind]!, order, port, app, gate, configuration, folder };
}

const listening = (port: number) =>
  waitFor(
    () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      ),
    { timeout: 20_000, every: 50, what: 'the proxy' },
  );

/** On a connection of its own: those that are kept are closed by every reload, and a client may be about to use one. */
export async function ask(port: number, method = 'GET'): Promise<string> {
  const headers = { connection: 'close' };
  const body = method === 'POST' ? 'x' : undefined;
  const response = await fetch(`http://127.0.0.1:${port}/`, { method, body, headers });
  return response.ok ? response.text() : `${response.status}`;
}

/** A connection that ended without a word; every other failure by its own name. */
const reset = (error: Error & { cause?: { code?: string } }) =>
  ['ECONNRESET', 'UND_ERR_SOCKET'].includes(error.cause?.code ?? '') ? 'reset' : String(error);

/** Asks without a pause until `stop`, which says what was answered. */
export function load(port: number) {
  const seen: Record<string, number> = {};
  let over = false;
  const workers = [1, 2, 3].map(async () => {
    while (!over) {
      const answer = await ask(port, 'POST').catch(reset);
      seen[answer] = (seen[answer] ?? 0) + 1;
    }
  });
  return {
    seen,
    stop: async () => {
      over = true;
      await Promise.all(workers);
      return Object.keys(seen).sort();
    },
  };
}
