import { createServer, type Server, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { log } from '../base/log.ts';
import { Turns } from '../base/turns.ts';
import { StorkyError } from '../protocol/errors.ts';
import type { EntryPort } from '../protocol/gate.ts';
import type { Entrance } from './entrance.ts';
import type { AppGate } from './gate/app-gate.ts';
import { attach, closeServer, httpServer, listen } from './listeners.ts';
import { type EntryOf, markConnection, proxyList } from './proxy/connection.ts';

interface Wanted extends EntryOf {
  host: string;
  protocol: EntryPort['protocol'];
}

interface Listening {
  wanted: Wanted;
  close(patienceMs: number): Promise<void>;
}

/** Listens on the ports of all gates' entries, and on no other. */
export class EntryPorts {
  readonly #host: string;
  readonly #entrance: Entrance;
  readonly #listening = new Map<number, Listening>();
  readonly #turns = new Turns();

  constructor(host: string, entrance: Entrance) {
    this.#host = host;
    this.#entrance = entrance;
  }

  /** Throws `port_taken`; the other ports are listened on all the same. */
  follow(gates: AppGate[]): Promise<void> {
    const wanted = new Map(
      gates.flatMap(({ config: { app, entries } }) =>
        entries.map(({ name, port, protocol, host = this.#host }) => [port, { app, name, protocol, host }] as const),
      ),
    );
    return this.#turns.take('all', () => this.#change(wanted));
  }

  /** At the start: one port that somebody has taken meanwhile does not keep the others from serving. */
  async restore(gates: AppGate[]): Promise<void> {
    await this.follow(gates).catch((error) => log.error({ detail: String(error) }, 'an entry is not listened on'));
  }

  async close(patienceMs: number): Promise<void> {
    await Promise.all([...this.#listening.values()].map((one) => one.close(patienceMs)));
  }

  async #change(wanted: Map<number, Wanted>): Promise<void> {
    for (const [port, one] of this.#listening) {
      if (isDeepStrictEqual(one.wanted, wanted.get(port))) continue;
      this.#listening.delete(port);
      // Its last requests end by themselves; the port is free at once.
      void one.close(closingMs);
    }
    let failed: unknown;
    for (const [port, one] of wanted) {
      if (this.#listening.has(port)) continue;
      await this.#open(port, one).catch((error) => (failed ??= error));
    }
    if (failed) throw failed;
  }

  async #open(port: number, wanted: Wanted): Promise<void> {
    const server = wanted.protocol === 'http' ? this.#http(wanted) : this.#stream(wanted);
    try {
      await listen(server, wanted.host, port);
    } catch (error) {
      throw new StorkyError('port_taken', { port, detail: String((error as NodeJS.ErrnoException).code ?? error) });
    }
    const close = (ms: number) => ('closeAllConnections' in server ? closeServer(server, ms) : closeStreams(server));
    this.#listening.set(port, { wanted, close });
  }

  #http({ app, name }: Wanted) {
    const server = httpServer();
    attach(server, { app, name }, this.#entrance, nobody);
    return server;
  }

  #stream({ app, name }: Wanted): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
      markConnection(socket, { app, name }, nobody);
      this.#entrance.onStream(socket);
    });
  }
}

const closingMs = 10_000;
const nobody = proxyList([]);

/** Those that are joined are told by their gate; whoever waits is refused by it. */
function closeStreams(server: Server): Promise<void> {
  server.close();
  return Promise.resolve();
}
