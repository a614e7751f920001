import { chmodSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { JsonLines } from '../../base/json-lines.ts';
import { type ErrorReport, StorkyError } from '../../protocol/errors.ts';
import { RouterRequest } from '../../protocol/gate.ts';
import { metricsRegistry } from './metrics-text.ts';
import { type Controlled, operate } from './operations.ts';

export type Answer = { id: number; ok: true; result: unknown } | { id: number; error: ErrorReport };

/** The agent's way in: a Unix socket for JSON lines, which also answers `GET /metrics` for a collector. */
export class ControlSocket {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #path: string;
  readonly #router: Controlled;
  readonly #metrics: ReturnType<typeof metricsServer>;

  constructor(path: string, router: Controlled) {
    this.#path = path;
    this.#router = router;
    this.#metrics = metricsServer(router);
    this.#server = createServer((socket) => this.#greet(socket));
  }

  /** Somebody may still say a word. */
  get connected(): boolean {
    return this.#sockets.size > 0;
  }

  /** A socket file left by a router that was killed is replaced. Nobody but our own account may speak to it. */
  async listen(): Promise<void> {
    rmSync(this.#path, { force: true });
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(this.#path, resolve));
    } finally {
      process.umask(before);
    }
    chmodSync(this.#path, 0o600);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The first byte tells JSON from HTTP. */
  #greet(socket: Socket): void {
    socket.on('error', () => {});
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      if (first[0] === 0x47) this.#metrics.emit('connection', socket);
      else this.#talk(socket);
      socket.resume();
    });
  }

  #talk(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const lines = new JsonLines<{ id: number }, Answer>(socket, (message) => {
      const { id } = message;
      try {
        const result = operate(parse(message), this.#router);
        if (result instanceof Promise) result.then(done, failed);
        else done(result);
      } catch (error) {
        failed(error);
      }
      function done(result: unknown) {
        lines.send({ id, ok: true, result });
      }
      function failed(error: unknown) {
        lines.send({ id, error: StorkyError.from(error).report() });
      }
    });
  }
}

function parse(message: unknown): RouterRequest {
  const parsed = RouterRequest.safeParse(message);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StorkyError('bad_request', { detail: issue?.message, field: issue?.path.join('.') || 'op' });
}

function metricsServer({ gates }: Controlled) {
  const registry = metricsRegistry(gates);
  return createHttpServer(async (request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    response
      .writeHead(200, { 'Content-Type': registry.contentType, Connection: 'close' })
      .end(await registry.metrics());
  });
}
