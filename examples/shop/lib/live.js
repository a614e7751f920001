import { WebSocket, WebSocketServer } from 'ws';
import { countOrders } from './orders.js';
import { region } from './settings.js';
import { latestUploads } from './uploads.js';

/** Pushes the counts once a second to everyone on /live: one query for all of them, none while nobody looks. */
export function pushLive(server) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (new URL(request.url, 'http://shop').pathname !== '/live') return socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      push([client]);
    });
  });
  const timer = setInterval(() => push(sockets.clients), 1000);
  return {
    /** Tells everyone to come back (1012: service restart). */
    close() {
      clearInterval(timer);
      for (const client of sockets.clients) client.close(1012, 'restarting');
    },
  };
}

async function push(clients) {
  if ([...clients].length === 0) return;
  try {
    const message = JSON.stringify({ ...(await countOrders()), uploads: await latestUploads(), region });
    for (const client of clients) if (client.readyState === WebSocket.OPEN) client.send(message);
  } catch (error) {
    console.error('live:', error.message); // the next second brings the next count
  }
}
