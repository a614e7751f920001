import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DatabaseInstance } from '../../contract.ts';
import { plainHandshake } from './handshake.ts';
import { encryptionOf } from './tls.ts';

/** A connection that is encrypted as the address says, whatever the client on this side knows of that. */
export async function dial({ host, port, external }: DatabaseInstance): Promise<Duplex> {
  const encryption = encryptionOf(external!);
  const socket = connect({ host, port, allowHalfOpen: !encryption, noDelay: true });
  await once(socket, 'connect');
  return encryption ? await plainHandshake(socket, host, encryption) : socket;
}
