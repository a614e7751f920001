import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { onTestFinished } from 'vitest';
import { type AtEnd, type Spawned, spawnForTest } from './spawned.ts';
import { waitFor } from './wait-for.ts';

/** True where a Docker of a test's own can run; else says so, and never passes over it in silence under CI. */
export function canRunDocker(): boolean {
  const missing =
    process.getuid?.() !== 0
      ? 'root'
      : ['ip', 'nsenter', 'dockerd'].find((it) => spawnSync(it, ['--version']).error !== undefined);
  if (!missing) return true;
  const text = `SKIPPED: tests on a real Docker host need ${missing}`;
  if (process.env.CI === 'true') throw new Error(text);
  console.warn(text);
  return false;
}

export interface DockerHost {
  docker: Docker;
  socket: string;
  /** Ends the daemon, and its containers with it, as the host's going down would. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface DockerHostOptions {
  /** Default: one of its own. */
  namespace?: string;
  /** The command that runs another one there. */
  enter?: (command: string[]) => string[];
  /** Who ends it. Default: the test. */
  atEnd?: AtEnd;
}

/** A daemon in a network namespace, with its own images and networks. */
export async function startDockerHost(options: DockerHostOptions = {}): Promise<DockerHost> {
  const { atEnd = onTestFinished } = options;
  const { namespace = newNamespace(atEnd) } = options;
  const { enter = (command) => ['nsenter', `--net=/run/netns/${namespace}`, ...command] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'sd-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const host = dockerHostIn(enter, folder, atEnd);
  await host.start();
  return host;
}

function newNamespace(atEnd: AtEnd): string {
  const namespace = `sd${randomBytes(3).toString('hex')}`;
  atEnd(() => void spawnSync('ip', ['netns', 'delete', namespace]));
  run('ip', 'netns', 'add', namespace);
  run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
  return namespace;
}

/** Not by `ip netns exec`: that mounts another /sys, without the control groups. */
function dockerHostIn(enter: (command: string[]) => string[], folder: string, atEnd: AtEnd): DockerHost {
  const socket = join(folder, 'docker.sock');
  const places = { 'data-root': 'data', 'exec-root': 'exec', pidfile: 'docker.pid' };
  const options = Object.entries(places).flatMap(([option, name]) => [`--${option}`, join(folder, name)]);
  const docker = new Docker({ socketPath: socket });
  let daemon: Spawned;
  return {
    docker,
    socket,
    async start() {
      // Its containerd writes down what it was doing when it is ended in a hurry.
      const [program, ...args] = enter(['dockerd', '--host', `unix://${socket}`, ...options]);
      daemon = spawnForTest(program!, args, { env: { TMPDIR: folder }, atEnd });
      await waitFor(() => docker.ping().then(() => true), { timeout: 60_000, what: 'dockerd' }).catch(
        (error: Error) => {
          throw new Error(`${error.message}: ${daemon.output().slice(-2_000)}`);
        },
      );
    },
    async stop() {
      daemon.signal('SIGTERM');
      await daemon.ended;
    },
  };
}

/** An image of nothing: enough for containers that are looked at and never run. */
export async function emptyImage(docker: Docker, reference: string, changes: string[] = []): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'storky-image-'));
  mkdirSync(join(folder, 'root'));
  run('tar', '-C', join(folder, 'root'), '-cf', join(folder, 'image.tar'), '.');
  try {
    const [repo, tag] = reference.split(':');
    const query = new URLSearchParams([
      ['fromSrc', '-'],
      ['repo', repo!],
      ['tag', tag!],
      ...changes.map((change): [string, string] => ['changes', change]),
    ]);
    const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
      docker.modem.dial(
        {
          // The last character is taken for a question mark with nothing behind it, and cut off.
          path: `/images/create?${query}&`,
          method: 'POST',
          file: createReadStream(join(folder, 'image.tar')) as never,
          isStream: true,
          statusCodes: { 200: true },
        } as never,
        (error: unknown, stream: unknown) => (error ? reject(error) : resolve(stream as NodeJS.ReadableStream)),
      ),
    );
    await new Promise((resolve, reject) =>
      docker.modem.followProgress(answer, (error) => (error ? reject(error) : resolve(null))),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
