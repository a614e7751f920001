import { connect } from 'node:net';
import { StorkyError } from '../protocol/errors.ts';
import type { RegionAddress } from '../protocol/region-contract.ts';

const patienceMs = 5_000;

/** Round trip to a peer in milliseconds: the shortest of three connects to its agent, after one to its router. */
export async function reach(peer: RegionAddress): Promise<{ roundTripMs: number }> {
  await connectOnce(peer, peer.ingressPort);
  const times = [];
  for (let n = 0; n < 3; n++) times.push(await connectOnce(peer, peer.port));
  return { roundTripMs: Math.min(...times) };
}

function connectOnce({ region, host }: RegionAddress, port: number): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const failed = (detail: string) => {
      socket.destroy();
      reject(new StorkyError('region_unreachable', { region, address: `${host}:${port}`, detail }));
    };
    const socket = connect({ host, port, timeout: patienceMs })
      .once('connect', () => {
        resolve(performance.now() - started);
        socket.destroy();
      })
      .once('timeout', () => failed(`no answer within ${patienceMs} ms`))
      .once('error', (error) => failed(error.message));
  });
}
