import { expect, it, onTestFinished } from 'vitest';
import { dockerProjects } from '../../src/drivers/runtime/docker/project/runtime.ts';
import { canRunDocker, emptyImage, startDockerHost } from '../support/docker-host.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

it.runIf(canRunDocker())(
  'what happens to containers is told by Docker at once, and heard again after Docker was away',
  async () => {
    const host = await startDockerHost();
    await emptyImage(host.docker, 'nothing:1');
    const told: (string | undefined)[] = [];
    const projects = dockerProjects('here', host.socket, async () => [], tempFolder('events-images'));
    const watch = projects.watch((container) => void told.push(container));
    onTestFinished(() => watch.close());
    await waitFor(() => watch.listening, { timeout: 30_000, what: 'Docker to be heard' });
    expect(told).toEqual([undefined]);

    const container = await host.docker.createContainer({ name: 'shop-web-1', Image: 'nothing:1', Cmd: ['web'] });
    await waitFor(() => told.includes('shop-web-1'), { timeout: 30_000, what: 'word of a container' });
    told.length = 0;
    await container.remove();
    await waitFor(() => told.includes('shop-web-1'), { timeout: 30_000, what: 'word of its end' });

    await host.stop();
    await waitFor(() => !watch.listening, { timeout: 30_000, what: 'Docker to be missed' });
    told.length = 0;
    await host.start();
    await waitFor(() => told.includes(undefined), { timeout: 30_000, what: 'Docker to be heard again' });
    expect(watch.listening).toBe(true);
  },
);
