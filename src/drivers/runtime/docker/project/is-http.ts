import { connect } from 'node:net';

/** Who speaks first speaks something else; who says nothing for so long, milliseconds, waits to be asked. */
const greetingMs = 250;
const answerMs = 3_000;

/** Does whoever listens there answer a request of HTTP/1.1? False where nobody does. */
export function isHttp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let said = '';
    let asked = false;
    const end = (answer: boolean) => {
      clearTimeout(greeting);
      socket.destroy();
      resolve(answer);
    };
    const greeting = setTimeout(() => {
      asked = true;
      socket.write(`HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: storky\r\nConnection: close\r\n\r\n`);
    }, greetingMs);
    socket.setTimeout(answerMs, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(asked && said.startsWith('HTTP/1.')));
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (!asked || said.length >= 7) end(asked && said.startsWith('HTTP/1.'));
    });
  });
}
