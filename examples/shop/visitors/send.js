import { Agent, request } from 'node:http';

/** `fifo` keeps every connection busy in turn, so that none idles long enough to be closed by the other side. */
export const connections = (count) =>
  new Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count, scheduling: 'fifo' });

/** One request → {status, headers, body}. Rejects on socket errors and after `timeoutMs`, counted from now, queueing included. */
export function send(agent, url, hostHeader, { method, path, type, body }, timeoutMs) {
  return new Promise((resolve, reject) => {
    const headers = {
      host: hostHeader ?? url.host,
      ...(body && { 'content-type': type, 'content-length': body.length }),
    };
    const call = request({ agent, host: url.hostname, port: url.port || 80, method, path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    const timer = setTimeout(() => call.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    function failed(error) {
      clearTimeout(timer);
      reject(error);
    }
    call.on('error', failed);
    call.end(body);
  });
}
