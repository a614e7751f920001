import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnForTest } from '../../support/spawned.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ComposeHost, projects, webAddress } from './compose-hosts.ts';

/** Clients' connections are not kept: every reload closes those, and somebody may be about to use one. */
const mainFile = (address: string): string => `pid ${projects}/nginx.pid;
user root;
worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  keepalive_timeout 0;
  client_body_temp_path ${projects}/nginx-body;
  proxy_temp_path ${projects}/nginx-proxy;
  include ${projects}/upstream.conf;
  server {
    listen ${address}:80;
    location / { proxy_pass http://shop; proxy_set_header Host $host; }
  }
}
`;

export interface NginxInFront {
  url: string;
  /** As `storky adopt` is told of it. */
  options: string[];
  /** All that nginx reads. */
  configuration(): string;
}

/** nginx on the host, that goes to the container's own address: where packet rules cannot turn it to the router. */
export async function nginxInFront(host: ComposeHost): Promise<NginxInFront> {
  const files = ['nginx.conf', 'upstream.conf'].map((name) => join(host.folder, name)) as [string, string];
  writeFileSync(files[0], mainFile(host.address));
  writeFileSync(files[1], `# The shop.\nupstream shop {\n  server ${webAddress}:3000;  keepalive 4;\n}\n`, {
    mode: 0o640,
  });
  const command = `nginx -c ${projects}/nginx.conf -e stderr`;
  const [program, ...args] = host.enter([...command.split(' '), '-g', 'daemon off;']);
  spawnForTest(program!, args);
  const url = `http://${host.address}:80`;
  await waitFor(() => fetch(url).then(() => true), { timeout: 20_000, what: 'nginx' });
  return {
    url,
    options: ['--proxy', `nginx=${projects}/upstream.conf`, '--proxy-command', command],
    configuration: () => files.map((file) => readFileSync(file, 'utf8')).join('\n'),
  };
}
