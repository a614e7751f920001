import { WebSocket } from 'ws';

/** Clients of /live. Told to come back (a close frame), they do at once; refused or cut off, that is a failure. */
export function startWatchers(count, { address, hostHeader, statistics }) {
  const numbers = { open: 0, messages: 0, reconnects: 0, refused: 0, dropped: 0 };
  const sockets = new Set();
  const timers = new Set();
  let stopped = false;

  function open() {
    const url = `ws://${address().host}/live`;
    const socket = new WebSocket(url, { headers: { host: hostHeader ?? address().host }, handshakeTimeout: 30_000 });
    let opened = false;
    sockets.add(socket);
    socket.on('open', () => {
      opened = true;
      numbers.open++;
    });
    socket.on('message', () => numbers.messages++);
    socket.on('error', (error) => {
      if (!opened && !stopped) failure('refused', error.message);
    });
    socket.on('close', (code) => {
      sockets.delete(socket);
      if (opened) numbers.open--;
      if (stopped) return;
      if (opened && code === 1006) failure('dropped', 'cut without a close frame');
      numbers.reconnects++;
      later(open, opened && code !== 1006 ? 10 : 500);
    });
  }

  function failure(kind, reason) {
    numbers[kind]++;
    statistics.refused('WebSocket /live', reason);
  }

  function later(act, ms) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  }

  for (let i = 0; i < count; i++) open();
  return {
    numbers: () => ({ ...numbers }),
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.terminate();
    },
  };
}
