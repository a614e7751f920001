import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runStorky, spawnStorky } from '../support/spawned.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { canMakeHosts, SshHost } from './stage/ssh-host.ts';

/** The server on this machine's loopback, where no host reaches it, and a host of which only sshd can be reached. */
async function stage(options: { docker?: boolean } = {}) {
  const host = await SshHost.start(options);
  const folder = tempFolder('laptop');
  const env = { XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, STORKY_SSH_CONFIG: host.config };
  const server = spawnStorky(['server', '--listen', '127.0.0.1:0', '--login', '--json'], { env });
  await server.says(/"loggedIn": ?true/, 90_000);
  const storky = async (...args: string[]) => runStorky([...args, '--json', '--yes'], { env });
  const done = async (...args: string[]) => {
    const { code, stdout, output } = await storky(...args);
    if (code !== 0) throw new Error(`storky ${args.join(' ')}: ${output}`);
    return JSON.parse(stdout);
  };
  const statusOf = async () => (await done('regions'))[0] as { status: string; detail: string | null };
  const reachable = () =>
    waitFor(async () => (await statusOf()).status === 'reachable', { timeout: 60_000, every: 300, what: 'the agent' });
  return { host, storky, done, statusOf, reachable };
}

const storkyIn = (host: SshHost) => join(host.home, '.local/share/storky');

describe.skipIf(!canMakeHosts())('a host behind SSH', () => {
  it('is enrolled by one command, upgraded by the same, and cleared by another', async () => {
    const { host, storky, done, reachable } = await stage();
    const before = readdirSync(host.home, { recursive: true });
    const add = ['regions-add', 'fr1', host.destination];
    expect((await storky(...add)).output, 'a host that nobody knows yet').toMatch(
      /ssh_failed.*Host key verification failed/s,
    );
    expect(readdirSync(host.home, { recursive: true })).toEqual(before);
    host.trust();
    expect(await done(...add)).toMatchObject({
      name: 'fr1',
      host: host.address,
      user: 'deploy',
      root: false,
      supervision: 'none',
    });
    await reachable();
    expect(host.processes().every(({ uid }) => uid > 0)).toBe(true);
    expect(existsSync(join(storkyIn(host), 'agents/fr1/enrol')), 'the token').toBe(false);
    const [agent, router] = [host.find('storky.js'), host.find('router/config.json')];

    const again = await storky(...add);
    expect([again.code, again.output]).toEqual([0, expect.stringContaining('They are there already.')]);
    await reachable();
    expect(host.find('storky.js')).not.toBe(agent);
    expect(host.find('router/config.json'), 'the router, which serves all the while').toBe(router);

    await done('regions-remove', 'fr1');
    expect(await done('regions')).toEqual([]);
    expect(host.processes()).toEqual([]);
    expect(
      readdirSync(host.home, { recursive: true }).filter((path) => !/^\.local(\/share)?$/.test(`${path}`)),
    ).toEqual(before);
  });

  it('is there again after a crash of the agent, a cut of the connection, and a reboot; and no other takes its place', async () => {
    const { host, done, statusOf, reachable } = await stage();
    host.trust();
    await host.take(8080);
    await done('regions-add', 'fr1', host.destination);
    const agent = host.find('storky.js')!;
    process.kill(agent, 'SIGKILL');
    await waitFor(() => (host.find('storky.js') ?? agent) !== agent, { timeout: 30_000, what: 'the next agent' });
    await reachable();

    await host.powerOff();
    expect((await statusOf()).status).toBe('unreachable');
    await host.startSshd();
    host.run(`${storkyIn(host)}/agents/fr1/keep.sh`); // what cron does at a boot
    await reachable();

    await host.powerOff();
    host.newHostKey();
    host.trust(); // the user's own list is not what counts from now on
    await host.startSshd();
    host.run(`${storkyIn(host)}/agents/fr1/keep.sh`);
    await waitFor(() => host.find('storky.js'), { what: 'the agent', timeout: 30_000 });
    expect(await statusOf()).toMatchObject({
      status: 'unreachable',
      detail: expect.stringMatching(/verification failed/),
    });
  });

  it('runs its agent in a container that is the host, where an account has only Docker’s rights', async () => {
    const { host, done, reachable } = await stage({ docker: true });
    host.trust();
    const add = ['regions-add', 'fr1', host.destination];
    const { supervision, folder } = await done(...add);
    expect({ supervision, folder }).toEqual({ supervision: 'container', folder: '/var/lib/storky-deploy' });
    await reachable();
    const [agent, router] = [host.find('storky.js')!, host.find('router/config.json')];
    expect(host.processes().find(({ pid }) => pid === agent)).toMatchObject({ uid: 0 });
    expect(await done('--region', 'fr1', 'apps', '--discover'), 'Storky’s own container').toEqual([]);

    await done(...add);
    await reachable();
    expect(host.find('storky.js')).not.toBe(agent);
    expect(host.find('router/config.json'), 'the router, which serves all the while').toBe(router);

    await host.restartDocker();
    await waitFor(() => host.find('storky.js'), { what: 'the agent after the boot', timeout: 60_000 });
    await reachable();

    await done('regions-remove', 'fr1');
    expect([host.find('storky.js'), host.find('router/config.json')]).toEqual([undefined, undefined]);
    expect([host.docker('ps', '-aq'), host.docker('images', '-q'), existsSync(folder)]).toEqual(['', '', false]);
  });
});
