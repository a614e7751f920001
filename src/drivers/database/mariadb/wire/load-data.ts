import type { Socket } from 'node:net';
import { Conversation, command, lengthAt, ServerError } from './packets.ts';

/** The writing half: LOAD DATA LOCAL INFILE, whose content we send as the server asks for it. */
export class LoadData {
  readonly done: Promise<{ rows: number; warnings: number }>;
  readonly #socket: Socket;
  #sequence = 2;

  private constructor(socket: Socket, done: Promise<{ rows: number; warnings: number }>) {
    this.#socket = socket;
    this.done = done;
    done.catch(() => {});
  }

  /** Resolves when the server is ready for the content. */
  static begin(socket: Socket, sql: string): Promise<LoadData> {
    const asked = Promise.withResolvers<LoadData>();
    const done = Promise.withResolvers<{ rows: number; warnings: number }>();
    const load = new LoadData(socket, done.promise);
    const fail = (error: Error) => {
      asked.reject(error);
      done.reject(error);
    };
    const conversation = new Conversation(socket, {
      packet(payload) {
        if (payload[0] === 0xfb) return asked.resolve(load);
        conversation.end();
        if (payload[0] === 0xff) return fail(new ServerError(payload));
        done.resolve(outcome(payload));
      },
      piece: () => fail(new Error('an answer to LOAD DATA that is none')),
      closed: () => fail(new Error('the connection was cut')),
    });
    socket.write(command(sql));
    return asked.promise;
  }

  /** Sends a packet whose first four bytes are free for the header. False when it should not be given more for now. */
  send(packet: Buffer): boolean {
    packet.writeUIntLE(packet.length - 4, 0, 3);
    packet[3] = this.#sequence++ & 0xff;
    return this.#socket.write(packet);
  }

  onDrain(listener: () => void): () => void {
    this.#socket.on('drain', listener);
    return () => this.#socket.removeListener('drain', listener);
  }

  finish(): void {
    this.send(Buffer.alloc(4));
  }
}

function outcome(payload: Buffer): { rows: number; warnings: number } {
  const [rows, afterRows] = lengthAt(payload, 1);
  const [, afterId] = lengthAt(payload, afterRows);
  return { rows, warnings: payload.readUInt16LE(afterId + 2) };
}
