import type { ContainerCreateOptions } from 'dockerode';
import { expect, it } from 'vitest';
import type { FoundProject } from '../../src/protocol/discovery.ts';
import { canRunDocker, type DockerHost, emptyImage, startDockerHost } from '../support/docker-host.ts';
import { runStorky } from '../support/spawned.ts';
import { Stage } from './stage/stage.ts';

it.runIf(canRunDocker())(
  'what runs under Docker on a host is found: its services, its databases and its data; and nothing there is changed',
  async () => {
    const host = await startDockerHost();
    await populate(host);
    const before = await inspectedAll(host);
    const socketOf = (name: string) => (name === 'west' ? host.socket : `${host.socket}.not-there`);
    const stage = await Stage.set({ region: (name) => ({ args: ['--docker', socketOf(name)] }) });

    const json = await runStorky(['--region', 'west', 'apps', '--discover', '--json'], { env: stage.env });
    expect(json.code, json.output).toBe(0);
    const found = JSON.parse(json.stdout) as FoundProject[];
    expect(found).toMatchObject([
      {
        name: 'lonely',
        kind: 'container',
        services: [{ name: 'lonely', database: { engine: 'mariadb', version: '10.11' } }],
      },
      {
        name: 'shop',
        kind: 'compose',
        folder: '/srv/shop',
        files: ['/srv/shop/compose.yaml'],
        services: [
          { name: 'cache', database: { engine: 'redis', version: '7.0' } },
          { name: 'db', image: 'postgres:15-alpine', database: { engine: 'postgresql', version: '15' } },
          {
            name: 'web',
            database: null,
            containers: [{ name: 'shop-web-1', state: 'created' }, { name: 'shop-web-2' }],
            ports: [{ address: '', port: 8000, containerPort: 3000, protocol: 'tcp' }],
          },
        ],
        mounts: [
          { kind: 'bind', name: '/srv/shop/media', services: ['web'], carried: 'files' },
          { kind: 'bind', name: '/var/run/docker.sock', carried: 'not', why: 'it belongs to the host' },
          { kind: 'volume', name: 'shop_data', services: ['db'], carried: 'engine' },
          { kind: 'volume', name: 'shop_uploads', services: ['web'], carried: 'files' },
        ],
      },
    ]);
    const text = await runStorky(['--region', 'west', 'apps', '--discover'], { env: stage.env });
    expect(text.output).toMatch(/db +created +postgres:15-alpine +database: postgresql 15/);
    expect(text.output).toContain('volume shop_uploads of web: as a file tree');
    expect(await inspectedAll(host)).toEqual(before);

    const other = await runStorky(['--region', 'east', 'apps', '--discover'], { env: stage.env });
    expect(other.code).not.toBe(0);
    expect(other.output).toContain('there is no socket at');
  },
);

/** As Compose would have it, and one container that belongs to nobody. */
async function populate({ docker }: DockerHost): Promise<void> {
  await emptyImage(docker, 'shop-web:latest', ['ENV NODE_VERSION=22']);
  await emptyImage(docker, 'postgres:15-alpine', ['ENV PG_MAJOR=15', 'ENV PGDATA=/var/lib/postgresql/data']);
  await emptyImage(docker, 'redis:7', ['ENV REDIS_VERSION=7.0.15']);
  await emptyImage(docker, 'mariadb:lts', ['ENV MARIADB_VERSION=1:10.11.6+maria~ubu2204']);
  const compose = (service: string, n: number, more: ContainerCreateOptions) =>
    docker.createContainer({
      name: `shop-${service}-${n}`,
      Cmd: ['/start'],
      Labels: {
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': service,
        'com.docker.compose.container-number': `${n}`,
        'com.docker.compose.oneoff': 'False',
        'com.docker.compose.project.working_dir': '/srv/shop',
        'com.docker.compose.project.config_files': '/srv/shop/compose.yaml',
      },
      ...more,
    });
  const binds = [
    'shop_uploads:/app/uploads',
    '/srv/shop/media:/app/media',
    '/var/run/docker.sock:/var/run/docker.sock',
  ];
  const ports = { '3000/tcp': [{ HostIp: '', HostPort: '8000' }] };
  await compose('web', 1, { Image: 'shop-web:latest', HostConfig: { Binds: binds, PortBindings: ports } });
  await compose('web', 2, { Image: 'shop-web:latest', HostConfig: { Binds: binds, PortBindings: ports } });
  await compose('db', 1, {
    Image: 'postgres:15-alpine',
    HostConfig: { Binds: ['shop_data:/var/lib/postgresql/data'] },
  });
  await compose('cache', 1, { Image: 'redis:7' });
  await docker.createContainer({ name: 'lonely', Image: 'mariadb:lts', Cmd: ['/start'] });
}

async function inspectedAll({ docker }: DockerHost): Promise<unknown[]> {
  const list = await docker.listContainers({ all: true });
  const all = await Promise.all(list.map(({ Id }) => docker.getContainer(Id).inspect()));
  // Docker tells the mounts in another order each time.
  for (const one of all) one.Mounts.sort((a, b) => a.Destination.localeCompare(b.Destination));
  return all;
}
