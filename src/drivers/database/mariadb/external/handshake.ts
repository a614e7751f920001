import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Encryption, tlsOptions } from './tls.ts';

const header = 4;
/** Of the capabilities: encryption is possible, or wanted. */
const sslBit = 0x0800;
/** What a client sends to ask for encryption: as much of its answer to the greeting, and no name. */
const requestBytes = 32;

/**
 * The server's greeting goes to a client that speaks plainly, without the offer to encrypt. What the client answers is sent
 * encrypted, after the request that it did not make; so its packets have one number more there, until it is logged in.
 */
export async function plainHandshake(socket: Socket, host: string, encryption: Encryption): Promise<Duplex> {
  const packets = new Packets();
  while (packets.size === 0) packets.add((await once(socket, 'data'))[0] as Buffer);
  socket.pause();
  const greeting = packets.next()!;
  // It may also say that there is no room: that is the client's to read.
  if (greeting[header] === 0xff) {
    const refusal = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    refusal.push(greeting);
    refusal.push(null);
    socket.destroy();
    return refusal;
  }
  if (packets.rest > 0) throw new Error('the database said more than it was asked for');
  withoutOffer(greeting);
  return new Plain(socket, host, encryption, greeting);
}

/** Throws where encryption is not offered. */
function withoutOffer(greeting: Buffer): void {
  const at = greeting.indexOf(0, header + 1) + 1 + 4 + 8 + 1;
  const capabilities = greeting.readUInt16LE(at);
  if ((capabilities & sslBit) === 0) throw new Error('the database does not take encrypted connections');
  greeting.writeUInt16LE(capabilities & ~sslBit, at);
}

class Plain extends Duplex {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #encryption: Encryption;
  #secure: TLSSocket | undefined;
  #loggedIn = false;
  readonly #ours = new Packets();
  readonly #theirs = new Packets();

  constructor(socket: Socket, host: string, encryption: Encryption, greeting: Buffer) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#host = host;
    this.#encryption = encryption;
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    this.push(greeting);
  }

  override _read(): void {
    this.#secure?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#loggedIn) return void this.#secure!.write(chunk, done);
    this.#ours.add(chunk);
    this.#login().then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#secure) this.#secure.end(() => done());
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#secure?.destroy();
    this.#socket.destroy();
    done(error);
  }

  async #login(): Promise<void> {
    for (let packet = this.#ours.next(); packet; packet = this.#ours.next()) {
      if (!this.#secure) await this.#encrypt(packet);
      packet[3] = (packet[3]! + 1) & 0xff;
      this.#secure!.write(packet);
    }
  }

  async #encrypt(answer: Buffer): Promise<void> {
    answer.writeUInt32LE((answer.readUInt32LE(header) | sslBit) >>> 0, header);
    const request = Buffer.from(answer.subarray(0, header + requestBytes));
    request.writeUIntLE(requestBytes, 0, 3);
    this.#socket.write(request);
    const servername = isIP(this.#host) ? {} : { servername: this.#host };
    const secure = connectTls({
      ...tlsOptions(this.#encryption),
      ...servername,
      host: this.#host,
      socket: this.#socket,
    });
    await once(secure, 'secureConnect');
    this.#secure = secure;
    secure.on('data', (chunk: Buffer) => this.#take(chunk));
    secure.on('end', () => this.push(null));
    secure.on('error', (error) => this.destroy(error));
    secure.on('close', () => this.destroy());
  }

  #take(chunk: Buffer): void {
    if (this.#loggedIn) {
      if (!this.push(chunk)) this.#secure!.pause();
      return;
    }
    this.#theirs.add(chunk);
    for (let packet = this.#theirs.next(); packet; packet = this.#theirs.next()) {
      packet[3] = (packet[3]! - 1) & 0xff;
      this.push(packet);
      // Welcome, or not: in either case nothing more of the login comes.
      if (packet[header] !== 0 && packet[header] !== 0xff) continue;
      this.#loggedIn = true;
      const rest = this.#theirs.drain();
      if (rest.length > 0) this.push(rest);
      return;
    }
  }
}

/** Bytes as whole packets. */
class Packets {
  #bytes = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** Of the first packet, 0 until it is whole. */
  get size(): number {
    if (this.#bytes.length < header) return 0;
    const size = header + this.#bytes.readUIntLE(0, 3);
    return this.#bytes.length < size ? 0 : size;
  }

  get rest(): number {
    return this.#bytes.length;
  }

  next(): Buffer | undefined {
    const { size } = this;
    if (size === 0) return undefined;
    const packet = Buffer.from(this.#bytes.subarray(0, size));
    this.#bytes = this.#bytes.subarray(size);
    return packet;
  }

  drain(): Buffer {
    const rest = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return rest;
  }
}
