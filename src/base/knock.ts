import { connect } from 'node:net';

/**
 * Does somebody listen there? A server that is only busy, or stopped by a signal, still accepts. `silent`: nothing came in
 * `patienceMs` milliseconds, or what came tells nothing.
 */
export function knock(host: string, port: number, patienceMs: number): Promise<'accepts' | 'refuses' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const end = (answer: 'accepts' | 'refuses' | 'silent') => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end('accepts'));
    socket.once('timeout', () => end('silent'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refuses' : 'silent'));
  });
}
