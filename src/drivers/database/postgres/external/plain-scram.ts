import { Duplex, Transform, type TransformCallback } from 'node:stream';

const authentication = 'R'.charCodeAt(0);
const sasl = 10;
const header = 9;

/**
 * A client that speaks plainly into an encrypted connection that somebody else has opened cannot bind its log-in to that
 * encryption, and libpq refuses a server that offers to. The offer, `SCRAM-SHA-256-PLUS` in the server's first message, is
 * taken out; the log-in is the same but for the binding. Everything after that message passes as it is.
 */
export function withoutChannelBinding(server: Duplex): Duplex {
  let seen: Buffer | undefined = Buffer.alloc(0);
  const readable = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      if (!seen) return done(null, chunk);
      seen = Buffer.concat([seen, chunk]);
      if (seen.length < header || seen.length < seen.readUInt32BE(1) + 1) return done();
      const first = seen;
      seen = undefined;
      done(null, offeringLess(first));
    },
  });
  server.once('error', (error) => readable.destroy(error));
  server.pipe(readable);
  return Duplex.from({ readable, writable: server });
}

function offeringLess(bytes: Buffer): Buffer {
  const end = bytes.readUInt32BE(1) + 1;
  if (bytes[0] !== authentication || bytes.readUInt32BE(5) !== sasl) return bytes;
  const offered = bytes.toString('latin1', header, end).split('\0').filter(Boolean);
  const left = offered.filter((mechanism) => !mechanism.endsWith('-PLUS'));
  const body = Buffer.from(`${left.map((mechanism) => `${mechanism}\0`).join('')}\0`, 'latin1');
  const message = Buffer.concat([bytes.subarray(0, header), body]);
  message.writeUInt32BE(message.length - 1, 1);
  return Buffer.concat([message, bytes.subarray(end)]);
}
