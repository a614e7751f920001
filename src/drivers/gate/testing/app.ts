import { createServer } from 'node:http';

/** `app.ts <port> <name>`: answers with its name and the address of who asks; `/slow` after a second, `/stay` never. */
const [port, name] = process.argv.slice(2);
const server = createServer((request, response) => {
  const answer = () => response.end(`${name} ${request.headers['x-forwarded-for'] ?? request.socket.remoteAddress}\n`);
  if (request.url === '/stay') response.write('.');
  else if (request.url === '/slow') setTimeout(answer, 1_000);
  else answer();
});
server.listen(Number(port), '0.0.0.0', () => process.stdout.write('listening\n'));
