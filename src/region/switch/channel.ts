import type { Duplex } from 'node:stream';
import { JsonLines } from '../../base/json-lines.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { SwitchMessage } from '../../protocol/link.ts';

type Kind = SwitchMessage['t'];
type Of<K extends Kind> = Extract<SwitchMessage, { t: K }>;
interface Waiter {
  kind: Kind;
  epoch: number;
  resolve(message: SwitchMessage): void;
  reject(error: Error): void;
}

/** The open stream on which the two agents switch. Answers are pushed to who waits for them; nothing is polled. */
export class SwitchChannel {
  readonly #lines: JsonLines<SwitchMessage, SwitchMessage>;
  readonly #stream: Duplex;
  readonly #waiters = new Set<Waiter>();
  #onRequest: (message: SwitchMessage) => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#lines = new JsonLines<SwitchMessage, SwitchMessage>(stream, (message) => this.#arrived(message));
    stream.on('error', () => {});
    stream.once('close', () =>
      this.#failAll(
        new StorkyError('link_lost', { region: 'here', peer: 'the other region', detail: 'the switch stream ended' }),
      ),
    );
  }

  get open(): boolean {
    return !this.#stream.destroyed && this.#stream.writable;
  }

  onRequest(handler: (message: SwitchMessage) => void): void {
    this.#onRequest = handler;
  }

  onClosed(handler: () => void): void {
    this.#stream.once('close', handler);
  }

  send(message: SwitchMessage): void {
    if (!this.#lines.send(message))
      throw new StorkyError('link_lost', {
        region: 'here',
        peer: 'the other region',
        detail: 'the switch stream is closed',
      });
  }

  /** Waits for one kind of answer to one epoch. Rejects when the peer refuses, or the stream ends. The caller sets the deadline. */
  expect<K extends Kind>(kind: K, epoch: number): Promise<Of<K>> {
    const { promise, resolve, reject } = Promise.withResolvers<Of<K>>();
    promise.catch(() => {});
    this.#waiters.add({ kind, epoch, resolve: resolve as Waiter['resolve'], reject });
    if (!this.open)
      this.#failAll(
        new StorkyError('link_lost', {
          region: 'here',
          peer: 'the other region',
          detail: 'the switch stream is closed',
        }),
      );
    return promise;
  }

  async roundTrip(): Promise<number> {
    const sent = performance.now();
    const answer = this.expect('pong', sent);
    this.send({ t: 'ping', n: sent });
    await answer;
    return performance.now() - sent;
  }

  close(): void {
    this.#stream.destroy();
  }

  #arrived(message: SwitchMessage): void {
    if (message.t === 'ping') return void this.#lines.send({ t: 'pong', n: message.n });
    const about = message.t === 'pong' ? message.n : message.epoch;
    // Everybody who waits for it: one who has given up still stands before who asked again, and must not take the answer.
    const answered = [...this.#waiters].filter(
      ({ kind, epoch }) => epoch === about && (message.t === kind || message.t === 'refused'),
    );
    for (const waiter of answered)
      this.#settle(waiter, () => (message.t === 'refused' ? waiter.reject(refusal(message)) : waiter.resolve(message)));
    if (answered.length === 0) this.#onRequest(message);
  }

  #settle(waiter: Waiter, how: () => void): void {
    this.#waiters.delete(waiter);
    how();
  }

  #failAll(error: Error): void {
    for (const waiter of [...this.#waiters]) this.#settle(waiter, () => waiter.reject(error));
  }
}

const refusal = ({ code, detail }: Of<'refused'>): StorkyError =>
  StorkyError.fromReport({ code, what: detail, fields: { detail } });
