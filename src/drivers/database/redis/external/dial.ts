import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { DatabaseInstance } from '../../contract.ts';
import { tlsOf } from '../wire/tls.ts';

/** A connection that is encrypted as the address says: what comes through speaks plainly. */
export async function dial(instance: DatabaseInstance): Promise<Duplex> {
  const { host, port } = instance;
  const tls = tlsOf(instance);
  const socket = tls ? connectTls({ ...tls, host, port }) : connect({ host, port, allowHalfOpen: true });
  socket.setNoDelay(true);
  await once(socket, tls ? 'secureConnect' : 'connect');
  return socket;
}
