import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { latencyProxy } from './latency-proxy.ts';

async function echoBehindProxy(delayMs: number) {
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  const { port } = echo.address() as AddressInfo;
  const proxy = await latencyProxy({ target: { host: '127.0.0.1', port }, delayMs });
  onTestFinished(async () => {
    await proxy.close();
    echo.close();
  });
  const open = () => connect({ host: '127.0.0.1', port: proxy.port, noDelay: true }).on('error', () => {});
  return { proxy, open };
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

async function ping(socket: Socket): Promise<number> {
  const start = performance.now();
  socket.write('x');
  await once(socket, 'data');
  return performance.now() - start;
}

test('a round trip takes twice the delay', async () => {
  const { proxy, open } = await echoBehindProxy(20);
  const socket = open();
  await ping(socket);
  expect(await ping(socket)).toBeGreaterThan(39);
  proxy.setDelay(0);
  expect(await ping(socket)).toBeLessThan(35);
});

test('throughput does not suffer, and everything arrives in order', async () => {
  const { open } = await echoBehindProxy(20);
  const socket = open();
  const sent = Buffer.alloc(16 * 1024 * 1024);
  for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE(i, i);
  const start = performance.now();
  socket.end(sent);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  expect(performance.now() - start).toBeLessThan(3000);
});

test('cut resets and refuses; stall swallows; restore brings both back', async () => {
  const { proxy, open } = await echoBehindProxy(1);
  const first = open();
  await ping(first);
  const reset = closed(first);
  proxy.cut();
  await reset;
  await closed(open());
  proxy.restore();
  const second = open();
  await ping(second);
  proxy.stall();
  const answered = ping(second);
  expect(await Promise.race([answered, sleep(150)])).toBeUndefined();
  proxy.restore();
  expect(await answered).toBeGreaterThan(140);
});
