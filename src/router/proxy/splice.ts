import type { Duplex } from 'node:stream';
import type { LongLived } from '../gate/machine.ts';
import { closeToClient, closeToServer, FrameReader, opcodeClose } from './websocket-frames.ts';

/** For an app that does not answer the close of a WebSocket, milliseconds. The freeze waits for it. */
const serverGraceMs = 100;
/** For a client that does not close after it was told, milliseconds. Nothing waits for it. */
const clientGraceMs = 1_000;

const always = () => true;
const never = () => false;

/** Two connections joined after an upgrade. `serverGone` is called once, when the app's side is over. */
export class Splice implements LongLived {
  readonly #client: Duplex;
  readonly #server: Duplex;
  readonly #serverGone: () => void;
  readonly #websocket: boolean;
  readonly #inbound = new FrameReader();
  readonly #outbound = new FrameReader();
  #told = false;
  #inboundClosed = false;
  #outboundClosed = false;
  #over = false;
  #timers: NodeJS.Timeout[] = [];

  constructor(client: Duplex, server: Duplex, websocket: boolean, serverGone: () => void) {
    this.#client = client;
    this.#server = server;
    this.#websocket = websocket;
    this.#serverGone = serverGone;
    this.#join();
  }

  /**
   * Invariant 9. The app is told first, and what it still says goes through to the client, which thus gets every answer
   * to what the app has taken in. With the app's close the client gets 1012, and comes back to wait at the gate.
   * Between frames only: a frame of ours in the middle of theirs would break the connection instead.
   */
  reconnect(): void {
    if (this.#told || this.#over) return;
    this.#told = true;
    if (!this.#websocket) return void this.#end();
    if (this.#inbound.atBoundary) this.#closeServer();
    this.#timers.push(setTimeout(() => this.#closeClient(), serverGraceMs));
  }

  #join(): void {
    this.#client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    this.#server.on('data', (chunk: Buffer) => this.#fromServer(chunk));
    this.#client.on('drain', () => this.#server.resume());
    this.#server.on('drain', () => this.#client.resume());
    this.#client.on('end', () => this.#server.end());
    this.#server.on('end', () => (this.#told ? this.#closeClient() : this.#client.end()));
    this.#client.on('error', () => {});
    this.#server.on('error', () => {});
    this.#client.on('close', () => this.#clientClosed());
    this.#server.on('close', () => this.#serverClosed());
    this.#client.resume();
    this.#server.resume();
  }

  #fromClient(chunk: Buffer): void {
    if (this.#inboundClosed) return;
    const length = this.#websocket ? this.#inbound.read(chunk, this.#told ? always : never) : chunk.length;
    const passed = length === chunk.length ? chunk : chunk.subarray(0, length);
    if (passed.length > 0 && !this.#server.write(passed)) this.#client.pause();
    if (this.#told && this.#inbound.atBoundary) this.#closeServer();
  }

  #fromServer(chunk: Buffer): void {
    if (this.#outboundClosed) return;
    const length = this.#websocket ? this.#outbound.read(chunk, this.#told ? isClose : never) : chunk.length;
    if (length > 0 && !this.#client.write(length === chunk.length ? chunk : chunk.subarray(0, length)))
      this.#server.pause();
    if (length < chunk.length) this.#closeClient();
  }

  #closeServer(): void {
    if (this.#inboundClosed) return;
    this.#inboundClosed = true;
    if (this.#server.writable) this.#server.write(closeToServer);
    // What the client says from now on is dropped; nobody has acknowledged it.
    this.#client.resume();
  }

  /** The app's side is finished: 1012 where a frame may stand, and the end. */
  #closeClient(): void {
    if (this.#outboundClosed) return;
    this.#outboundClosed = true;
    if (this.#client.writable)
      this.#client.end(this.#websocket && this.#outbound.atBoundary ? closeToClient : undefined);
    this.#timers.push(setTimeout(() => this.#client.destroy(), clientGraceMs));
    this.#server.destroy();
    this.#leave();
  }

  #end(): void {
    this.#client.end();
    this.#server.destroy();
    this.#leave();
  }

  #clientClosed(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    // The app learns of it by the end of its connection, and takes its time; a drain does not wait for it.
    this.#server.destroy();
    this.#leave();
  }

  #serverClosed(): void {
    if (this.#told) this.#closeClient();
    else this.#client.end();
    this.#leave();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#serverGone();
  }
}

const isClose = (opcode: number) => opcode === opcodeClose;
