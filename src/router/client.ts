import { connect, type Socket } from 'node:net';
import { JsonLines } from '../base/json-lines.ts';
import { type ErrorReport, StorkyError } from '../protocol/errors.ts';
import {
  type EntryPort,
  type ForwardTarget,
  type Gate,
  type GateMetrics,
  HoldLimits,
  type Latency,
  type RouterRequest,
} from '../protocol/gate.ts';
import type { Results, RouterStatus } from './control/operations.ts';
import type { Left, Released } from './gate/machine.ts';
import type { Certificate } from './state-file.ts';

export type { Certificate, Left, Released, RouterStatus };

interface Call {
  done(result: unknown): void;
  failed(error: StorkyError): void;
}

/**
 * The agent's line to its router. It connects by itself, and again when the router was restarted. A call that is made
 * while there is no connection waits for one, at most `patienceMs`; a call whose answer was lost rejects with
 * `router_unreachable`, which the caller may repeat, since every operation can be.
 */
export class RouterClient {
  readonly #path: string;
  readonly #patienceMs: number;
  readonly #calls = new Map<number, Call>();
  readonly #waiting = new Set<() => void>();
  #lines: JsonLines<Answer, unknown> | undefined;
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #next = 1;
  /** Called at every new connection; the router may have been restarted in between. */
  onConnect: () => void = () => {};

  constructor(socketPath: string, patienceMs = 5_000) {
    this.#path = socketPath;
    this.#patienceMs = patienceMs;
    this.#connect(20);
  }

  status(): Promise<RouterStatus> {
    return this.#call({ op: 'status' });
  }

  put(gate: Gate): Promise<null> {
    return this.#call({ op: 'put', gate });
  }

  remove(app: string): Promise<null> {
    return this.#call({ op: 'remove', app });
  }

  upstreams(app: string, upstreams: string[], entries?: EntryPort[]): Promise<null> {
    return this.#call({ op: 'upstreams', app, upstreams, entries });
  }

  /** Only says where the gate would forward to, and opens the way there. */
  warm(app: string, to: ForwardTarget): Promise<null> {
    return this.#call({ op: 'warm', app, to });
  }

  /** Resolved: new requests wait, also when the router is killed now. */
  hold(app: string, limits: Partial<HoldLimits>, epoch: number, epochFile: string): Promise<Left> {
    return this.#call({ op: 'hold', app, limits: HoldLimits.parse(limits), epoch, epochFile });
  }

  /** Resolves when nothing is in flight, or after `deadlineMs` with what is left. */
  drain(app: string, deadlineMs: number): Promise<Left> {
    return this.#call({ op: 'drain', app, deadlineMs: Math.max(0, Math.round(deadlineMs)) });
  }

  serve(app: string): Promise<Released> {
    return this.#call({ op: 'serve', app });
  }

  forward(app: string, to: ForwardTarget): Promise<Released> {
    return this.#call({ op: 'forward', app, to });
  }

  metrics(app: string): Promise<GateMetrics> {
    return this.#call({ op: 'metrics', app });
  }

  latency(app: string): Promise<Latency> {
    return this.#call({ op: 'latency', app });
  }

  /** All of them: those that are not in the list are forgotten. */
  certificates(certificates: Certificate[]): Promise<null> {
    return this.#call({ op: 'certificates', certificates });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    for (const wake of this.#waiting) wake();
  }

  async #call<Op extends RouterRequest['op']>(request: RouterRequest & { op: Op }): Promise<Results[Op]> {
    if (!this.#lines) await this.#connected();
    const id = this.#next++;
    return new Promise<Results[Op]>((resolve, reject) => {
      this.#calls.set(id, { done: (result) => resolve(result as Results[Op]), failed: reject });
      if (!this.#lines?.send({ id, ...request })) this.#fail(id, 'the connection is gone');
    });
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        if (this.#lines) resolve();
        else
          reject(unreachable(this.#closed ? 'the client was closed' : `no connection within ${this.#patienceMs} ms`));
      };
      const timer = setTimeout(wake, this.#patienceMs);
      this.#waiting.add(wake);
    });
  }

  #connect(pauseMs: number): void {
    const socket = connect(this.#path);
    this.#socket = socket;
    let was = false;
    socket.on('error', () => {});
    socket.on('connect', () => {
      was = true;
      this.#lines = new JsonLines<Answer, unknown>(socket, (answer) => this.#answered(answer));
      for (const wake of [...this.#waiting]) wake();
      this.onConnect();
    });
    socket.on('close', () => {
      this.#lines = undefined;
      for (const id of [...this.#calls.keys()]) this.#fail(id, 'the connection broke before the answer came');
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(was ? 20 : Math.min(pauseMs * 2, 500)), pauseMs);
    });
  }

  #answered(answer: Answer): void {
    const call = this.#calls.get(answer.id);
    this.#calls.delete(answer.id);
    if (answer.error) call?.failed(StorkyError.fromReport(answer.error));
    else call?.done(answer.result);
  }

  #fail(id: number, detail: string): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.failed(unreachable(detail));
  }
}

interface Answer {
  id: number;
  result?: unknown;
  error?: ErrorReport;
}

const unreachable = (detail: string) => new StorkyError('router_unreachable', { detail });
