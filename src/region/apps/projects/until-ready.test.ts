import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { Project } from '../../../protocol/app-record/project.ts';
import { untilReady } from './until-ready.ts';

it('who has a health path is ready when it answers well there, asked by connections that are not kept', async () => {
  const asked: string[] = [];
  const server = createServer(({ url, headers }, response) => {
    asked.push(`${url} ${headers.connection}`);
    response.writeHead(asked.length < 3 ? 503 : 204).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const entry = { name: 'web', protocol: 'http', containerPort: port, published: [] };
  const service = { name: 'web', role: 'web', rests: false, health: '/ready', entries: [entry] };
  const state = { name: 'shop-web-1', service: 'web', running: true, healthy: null, addresses: ['127.0.0.1'] };
  const project = { services: [service] } as unknown as Project;
  expect(await untilReady(project, async () => [state as ContainerState], String)).toBeUndefined();
  expect(asked).toEqual(['/ready close', '/ready close', '/ready close']);
});
