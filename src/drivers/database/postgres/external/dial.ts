import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { DatabaseInstance } from '../../contract.ts';
import { tlsOf } from '../wire/tls.ts';
import { withoutChannelBinding } from './plain-scram.ts';

/** What a client sends first to ask for TLS; the answer is one letter. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** A connection that is encrypted as the address says, up to where a plain client's first word is expected. */
export async function dial({ host, port, external }: DatabaseInstance): Promise<Duplex> {
  const tls = tlsOf(external!);
  const socket = connect({ host, port, allowHalfOpen: !tls, noDelay: true });
  await once(socket, 'connect');
  if (!tls) return socket;
  socket.write(sslRequest);
  if ((await firstByte(socket)) !== 'S') throw new Error('the database does not take encrypted connections');
  const servername = isIP(host) ? {} : { servername: host };
  const secure = connectTls({ ...tls, ...servername, host, socket });
  await once(secure, 'secureConnect');
  return withoutChannelBinding(secure);
}

/** Exactly one: what comes with it would be somebody else's word, said before the encryption. */
async function firstByte(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  if (chunk.length > 1) throw new Error('the database said more than it was asked for');
  return chunk.toString('latin1');
}
