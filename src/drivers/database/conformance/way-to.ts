import { createServer } from 'node:net';
import type { SourceEndpoint } from '../../store.ts';
import type { DatabaseEngine, DatabaseInstance } from '../contract.ts';

/** To a server that Storky does not run, as the source's agent joins a tunnel with it. */
export async function wayTo(
  engine: Pick<DatabaseEngine, 'dial'>,
  instance: DatabaseInstance,
): Promise<SourceEndpoint & { close(): void }> {
  const server = createServer((near) => {
    near.on('error', () => {});
    engine.dial!(instance).then(
      (far) => {
        far.on('error', () => near.destroy()).on('close', () => near.destroy());
        near.on('close', () => far.destroy());
        near.pipe(far).pipe(near);
      },
      () => near.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const openStream = () => Promise.reject(new Error('a database is reached through its port'));
  return { host: '127.0.0.1', port, openStream, close: () => server.close() };
}
