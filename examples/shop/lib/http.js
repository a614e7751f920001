export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function readBody(request, maxBytes) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new HttpError(413, `more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function readJson(request) {
  try {
    return JSON.parse((await readBody(request, 64 * 1024)).toString());
  } catch (error) {
    throw error instanceof HttpError ? error : new HttpError(400, 'the body is not JSON');
  }
}

export const json = (status, value) => ({ status, type: 'application/json', body: JSON.stringify(value) });

/** `routes`: [method, pattern, handler(request, ...captured groups) → {status, type, body, headers}]. */
export function handler(routes, headers) {
  return async (request, response) => {
    const answer = await answerTo(routes, request).catch(answerToError);
    const body = Buffer.from(answer.body);
    if (!request.socket.server.listening) response.setHeader('connection', 'close');
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': body.length,
      ...headers,
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

async function answerTo(routes, request) {
  const { pathname } = new URL(request.url, 'http://shop');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  for (const [wanted, pattern, handle] of routes) {
    const match = wanted === method && pattern.exec(pathname);
    if (match) return handle(request, ...match.slice(1));
  }
  throw new HttpError(404, 'there is no such page');
}

function answerToError(error) {
  if (error instanceof HttpError) return json(error.status, { error: error.message });
  if (error.code === '23505') return json(409, { error: 'this id exists already' });
  console.error(error);
  return json(500, { error: error.message });
}
