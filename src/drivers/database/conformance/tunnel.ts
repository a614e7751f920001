import { createServer, type Server, type Socket, connect as tcp } from 'node:net';
import type { SourceEndpoint } from '../../store.ts';

/** Stands for the link: a port that leads to the source, and that can be cut. */
export class Tunnel implements SourceEndpoint {
  readonly host = '127.0.0.1';
  port = 0;
  /** Called with the number of bytes that came from the source so far. */
  onBytes: (total: number) => void = () => {};
  #bytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: { host: string; port: number }) {
    this.#server = createServer((near) => this.#join(near, tcp(to.port, to.host)));
  }

  static async to(place: { host: string; port: number }): Promise<Tunnel> {
    const tunnel = new Tunnel(place);
    await new Promise<void>((resolve) => tunnel.#server.listen(0, '127.0.0.1', resolve));
    tunnel.port = (tunnel.#server.address() as { port: number }).port;
    return tunnel;
  }

  openStream(): Promise<never> {
    return Promise.reject(new Error('a database is reached through its port'));
  }

  /** Cuts every connection; new ones get through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    far.on('data', (chunk) => {
      this.#bytes += chunk.length;
      this.onBytes(this.#bytes);
    });
    near.pipe(far);
    far.pipe(near);
  }
}
