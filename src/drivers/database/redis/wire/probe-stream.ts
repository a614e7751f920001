import { connect, type Socket } from 'node:net';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Address } from './connect.ts';
import type { Position } from './info.ts';

const patienceMs = 10_000;

/**
 * Asks for the stream from a position, as a replica does, and hangs up at the answer. A client library would take what comes
 * after the answer for answers. From a current position nothing is copied. @throws StorkyError engine_refused, link_lost
 */
export async function probeStream(address: Address, position: Position, signal: AbortSignal): Promise<void> {
  const socket = connect(address.port, address.host);
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')));
  const stop = () => socket.destroy(new Error('cancelled'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const lines = linesOf(socket);
    for (const words of handshake(address, position)) {
      socket.write(command(words));
      const { value: answer = '' } = await lines.next();
      if (!accepted.test(answer)) throw refusal(words[0]!, answer);
    }
  } catch (error) {
    if (error instanceof StorkyError) throw error;
    const detail = (error as Error).message;
    throw new StorkyError('link_lost', { region: 'this side', peer: 'the other side', detail }, { cause: error });
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

const handshake = ({ user, password }: Address, { history, offset }: Position): string[][] => [
  ['AUTH', user, password],
  ['REPLCONF', 'capa', 'eof', 'capa', 'psync2'],
  ['PSYNC', history, String(offset + 1)],
];

const accepted = /^\+(OK|CONTINUE|FULLRESYNC)/;

const command = (words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1');
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
      const line = text.slice(0, end).trim();
      text = text.slice(end + 1);
      if (line !== '') yield line;
    }
  }
  throw new Error('the connection ended');
}

const refusal = (word: string, answer: string) =>
  new StorkyError('engine_refused', {
    engine: 'Redis',
    detail: `the other side answers ${word} with: ${answer.slice(0, 200)}`,
    hint: 'It has to follow this side without a break; look at its log.',
  });
