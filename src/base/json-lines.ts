import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** One JSON object a line, both ways. A line over `maxBytes`, or one that is not JSON, destroys the stream. */
export class JsonLines<In, Out> {
  readonly #stream: Duplex;

  constructor(stream: Duplex, onMessage: (message: In) => void, maxBytes = 16 * 1024 * 1024) {
    this.#stream = stream;
    const decoder = new StringDecoder('utf8');
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop()!;
      if (rest.length > maxBytes) return void stream.destroy(new Error(`a line is longer than ${maxBytes} bytes`));
      for (const line of lines) {
        let message: In;
        try {
          message = JSON.parse(line) as In;
        } catch (error) {
          return void stream.destroy(error as Error);
        }
        onMessage(message);
      }
    });
  }

  /** False when the stream is gone; a caller that must know waits for the answer. */
  send(message: Out): boolean {
    if (this.#stream.destroyed || !this.#stream.writable) return false;
    this.#stream.write(`${JSON.stringify(message)}\n`);
    return true;
  }
}
