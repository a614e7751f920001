import { expect, it, onTestFinished } from 'vitest';
import type { ReadProject } from '../../src/drivers/runtime/projects.ts';
import type { ReadHints } from '../../src/protocol/discovery.ts';
import type { ErrorReport } from '../../src/protocol/errors.ts';
import { importBase } from '../support/base-image.ts';
import { canRunDocker } from '../support/docker-host.ts';
import { projectRoot, spawnForTest } from '../support/spawned.ts';
import { waitFor } from '../support/wait-for.ts';
import { type ComposeHost, dockerHostAlone } from './stage/compose-hosts.ts';

/** Who answers in HTTP, or says something first. */
const listens = (port: number, says: 'http' | 'greeting') => {
  const http = String.raw`my $l = <$c>; print $c "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";`;
  const answer = says === 'http' ? http : String.raw`print $c "220 mail ready\r\n";`;
  const loop = `while (my $c = $s->accept) { ${answer} close $c }`;
  return ['perl', '-MIO::Socket::INET', '-e', `$s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 9); ${loop}`];
};

const sleeps = ['sleep', 'infinity'];
const image = 'base:latest';
const postgres = { image, environment: { PGDATA: '/var/lib/postgresql/data', PG_MAJOR: '15' }, command: sleeps };

/** Of all that makes a project hard to read, one. */
const mixed = {
  version: '3.8',
  services: {
    db: { ...postgres, volumes: ['db:/var/lib/postgresql/data', 'dumps:/dumps'] },
    stats: { ...postgres, volumes: ['./stats:/var/lib/postgresql/data'] },
    web: {
      image,
      command: listens(3000, 'http'),
      ports: ['8000:3000'],
      volumes: ['uploads:/uploads', '/srv/media:/shared', './branding:/branding:ro'],
    },
    mail: {
      image,
      command: listens(25, 'greeting'),
      ports: ['2525:25', '5353:53/udp'],
      volumes: ['/srv/media:/shared', '/etc/hostname:/host:ro'],
    },
    thumbs: { image, command: sleeps, volumes: ['uploads:/uploads', 'dumps:/dumps', '/cache'] },
    index: { image, command: listens(9000, 'http') },
    idle: { image, command: ['true'] },
  },
  volumes: { db: {}, dumps: {}, uploads: {} },
};

it.runIf(canRunDocker())('a project is read as its owner means it; what is unclear is asked for', async () => {
  const host = await dockerHostAlone();
  await importBase(host.docker, 'base');
  const folder = '/srv/mixed';
  host.run('mkdir', '-p', `${folder}/stats`, `${folder}/branding`, '/srv/media');
  write(host, mixed);
  compose(host, 'up', '-d');

  await untilRefused(host, {}, { service: 'idle', detail: 'it does not run' });
  const detail = 'it listens on port 9000, which is not published';
  await untilRefused(host, { workers: ['idle'] }, { service: 'index', detail });

  const { project, databases, ignored } = await readAs(host, { workers: ['idle', 'index'] });
  const roles = project.services.map(({ name, role, addon, entries, rests }) => {
    const ports = entries.map((it) => `${it.name} ${it.protocol} ${it.published.map(({ port }) => port)}`);
    return [name, role, addon, ports, rests];
  });
  expect(roles).toEqual([
    ['db', 'database', 'db', [], false],
    ['idle', 'worker', null, [], true],
    ['index', 'worker', null, [], false],
    ['mail', 'web', null, ['mail-25 tcp 2525'], false],
    ['stats', 'database', 'stats', [], false],
    ['thumbs', 'worker', null, [], false],
    ['web', 'web', null, ['web-3000 http 8000'], false],
  ]);
  expect(databases.map(({ addon, engine, version }) => [addon, engine, version])).toEqual([
    ['db', 'postgresql', '15'],
    ['stats', 'postgresql', '15'],
  ]);
  const mounts = project.mounts.map(({ kind, name, tree, services }) => [
    kind,
    /^[0-9a-f]{64}$/.test(name) ? 'nameless' : name,
    tree?.replace(/-[0-9a-f]{8}$/, '-…') ?? null,
    services.toSorted(),
  ]);
  expect(mounts.sort()).toEqual(
    [
      ['folder', folder, 'project', []],
      ['folder', `${folder}/stats`, null, ['stats']],
      ['folder', '/srv/media', 'media', ['mail', 'web']],
      ['volume', 'mixed_db', null, ['db']],
      ['volume', 'mixed_dumps', 'dumps', ['db', 'thumbs']],
      ['volume', 'mixed_uploads', 'uploads', ['thumbs', 'web']],
      ['volume', 'nameless', 'volume-…', ['thumbs']],
    ].sort(),
  );
  expect(ignored, 'what a database keeps in the project’s folder is not copied as files').toEqual({
    project: ['/stats'],
  });
  expect(project.notMoved).toEqual([
    'port 53/udp of mail goes past the gate: who comes there is not held',
    '/etc/hostname: it belongs to the host',
    expect.stringMatching(/^mixed_dumps: db starts on the other side before it is there/),
  ]);

  const hinted = await readAs(host, { workers: ['idle'], web: ['index:9000'], tcp: ['web:3000'] });
  const entries = hinted.project.services.flatMap((service) => service.entries);
  expect(entries.map(({ name, protocol, published }) => [name, protocol, published.length])).toEqual([
    ['index-9000', 'http', 0],
    ['mail-25', 'tcp', 1],
    ['web-3000', 'tcp', 1],
  ]);

  const keyed = structuredClone(mixed) as typeof mixed & Record<string, unknown>;
  Object.assign(keyed, {
    'x-storky': { folders: { '/srv/media': { carrier: 'backup' }, '.': { ignore: ['*.log'] } } },
  });
  Object.assign(keyed.volumes.uploads, { 'x-storky': { carrier: 'backup', ignore: ['cache/'] } });
  Object.assign(keyed.services.db, { 'x-storky': { carrier: 'backup' } });
  Object.assign(keyed.services.web, { 'x-storky': { health: '/ready' } });
  Object.assign(keyed.services.index, { 'x-storky': { role: 'web', port: 9000 } });
  Object.assign(keyed.services.idle, { 'x-storky': { role: 'worker' } });
  write(host, keyed);
  compose(host, 'up', '-d'); // Compose takes no offence
  const said = await readAs(host, {});
  expect(said.project.carriers).toEqual({ db: 'backup', uploads: 'backup', media: 'backup' });
  expect(said.ignored).toEqual({ project: ['/stats', '*.log'], uploads: ['cache/'] });
  const told = said.project.services.map(({ name, role, health, entries: [entry] }) => [
    ...[name, role, health, entry?.containerPort],
  ]);
  expect(told).toEqual([
    ['db', 'database', null, undefined],
    ['idle', 'worker', null, undefined],
    ['index', 'web', null, 9000],
    ['mail', 'web', null, 25],
    ['stats', 'database', null, undefined],
    ['thumbs', 'worker', null, undefined],
    ['web', 'web', '/ready', 3000],
  ]);
  const overruled = await readAs(host, { workers: ['index'] });
  expect(
    overruled.project.services.find(({ name }) => name === 'index'),
    'the command goes before the file',
  ).toMatchObject({ role: 'worker', entries: [] });

  compose(host, 'up', '-d', '--scale', 'stats=2');
  expect(await refused(host, {})).toMatchObject({ code: 'unsupported', fields: { what: 'stats with 2 containers' } });
});

/** JSON is YAML too; a dollar sign would be Compose’s. */
const write = (host: ComposeHost, content: object) =>
  host.run(
    'sh',
    '-c',
    'printf %s "$1" > /srv/mixed/docker-compose.yml',
    'sh',
    JSON.stringify(content, null, 1).replaceAll('$', '$$$$'),
  );

function compose(host: ComposeHost, ...args: string[]): void {
  const { status, stderr } = host.run('sh', '-c', 'cd /srv/mixed && exec docker-compose "$@"', 'sh', ...args);
  if (status !== 0) throw new Error(`docker-compose ${args.join(' ')}: ${stderr}`);
}

type Answer = { read: ReadProject } | { error: ErrorReport };

async function readAs(host: ComposeHost, hints: Partial<ReadHints>): Promise<ReadProject> {
  const answer = await ask(host, hints);
  if ('error' in answer) throw new Error(answer.error.what);
  return answer.read;
}

/** As soon as what was started listens, and what shall end has ended. */
async function untilRefused(
  host: ComposeHost,
  hints: Partial<ReadHints>,
  fields: ErrorReport['fields'],
): Promise<void> {
  let last: Answer | undefined;
  const isSo = async () => {
    last = await ask(host, hints);
    return 'error' in last && last.error.code === 'project_unclear' && last.error.fields.detail === fields.detail;
  };
  await waitFor(isSo, { timeout: 60_000, every: 500, what: `"${fields.detail}"` }).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(last)}`);
  });
  expect(last).toMatchObject({ error: { fields } });
}

async function refused(host: ComposeHost, hints: Partial<ReadHints>): Promise<ErrorReport> {
  const answer = await ask(host, hints);
  if ('read' in answer) throw new Error('it was read');
  return answer.error;
}

/** As the agent of that host reads it: its containers and files are reached from there alone. */
async function ask(host: ComposeHost, hints: Partial<ReadHints>): Promise<Answer> {
  const program = `
    const { dockerProjects } = await import('${projectRoot}src/drivers/runtime/docker/project/runtime.ts');
    const { StorkyError } = await import('${projectRoot}src/protocol/errors.ts');
    const { databaseEngines } = await import('${projectRoot}src/drivers/registry.ts');
    const { hints, socket } = JSON.parse(await new Response(process.stdin).text());
    const projects = dockerProjects('west', socket, databaseEngines, '/nowhere');
    const answer = await projects.read('mixed', hints).then(
      (read) => ({ read }),
      (error) => ({ error: StorkyError.from(error).report() }),
    );
    console.log(JSON.stringify(answer));
    process.exit();`;
  const [command, ...args] = host.enter([process.execPath, '--input-type=module', '-e', program]);
  const input = JSON.stringify({ hints: { web: [], workers: [], tcp: [], ...hints }, socket: host.daemon.socket });
  const asking = spawnForTest(command!, args, { input, atEnd: onTestFinished });
  const { code } = await asking.ended;
  if (code !== 0) throw new Error(`it could not be read: ${asking.output()}`);
  return JSON.parse(asking.stdout()) as Answer;
}
