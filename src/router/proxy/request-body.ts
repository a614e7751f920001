import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/**
 * A request's body as it comes. Nothing is taken from the client before somebody reads here, so a request that was never
 * sent can be sent elsewhere; and who destroys this does not destroy the client's connection, which may need an answer.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  #started = false;

  constructor(request: IncomingMessage) {
    super({ highWaterMark: 16 * 1024 });
    this.#request = request;
  }

  override _read(): void {
    if (this.#started) return void this.#request.resume();
    this.#started = true;
    const request = this.#request;
    request.on('data', this.#onData);
    request.on('end', this.#onEnd);
    request.on('close', this.#onClose);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('close', this.#onClose);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => void this.push(null);

  readonly #onClose = (): void => {
    if (!this.#request.readableEnded) this.destroy(new Error('the client left before its request was complete'));
  };
}
