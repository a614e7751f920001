import { connect } from 'node:net';
import { receiptsUrl } from './settings.js';

const patienceMs = 5000;

/** Where the shop has a REDIS_URL, each order stands in a list there too, before it is acknowledged. */
export async function keepReceipt(id) {
  if (receiptsUrl) await command('RPUSH', 'receipts', id);
}

let current;

/** Getting a connection is tried again for 5 s; the command never is: nobody knows whether one that was cut off was carried out. */
async function command(...words) {
  current ??= connected().catch((error) => {
    current = undefined;
    throw error;
  });
  return await (await current).ask(words);
}

async function connected() {
  const { hostname, port, username, password } = new URL(receiptsUrl);
  for (const giveUpAt = Date.now() + patienceMs; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const socket = connect(Number(port || 6379), hostname).setNoDelay(true);
    const ask = speaking(socket);
    try {
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      if (password) await ask(['AUTH', ...[username, password].filter(Boolean).map(decodeURIComponent)]);
      return { ask };
    } catch (error) {
      socket.destroy();
      if (Date.now() > giveUpAt) throw error;
    }
  }
}

/** Answers come in the order of the commands, each in a line of its own. */
function speaking(socket) {
  const waiting = [];
  let text = '';
  socket.on('data', (chunk) => {
    const lines = `${text}${chunk}`.split('\r\n');
    text = lines.pop();
    for (const line of lines) {
      const { resolve, reject } = waiting.shift();
      if (line.startsWith('-')) reject(new Error(`receipts: ${line}`));
      else resolve(line);
    }
  });
  socket.on('error', () => {}); // the next event says so too
  socket.on('close', () => {
    current = undefined;
    for (const { reject } of waiting.splice(0)) reject(new Error('receipts: the connection was cut'));
  });
  return (words) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    });
}
