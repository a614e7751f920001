/** The app's response headers, for the client. */
export interface ResponseHead {
  headers: string[];
  eventStream: boolean;
}

const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'http2-settings',
]);
const lower = new Map<string, string>();

/** Names and values as the app spelled them, without those that belong to one connection. */
export function readResponseHead(raw: Buffer[]): ResponseHead {
  const headers: string[] = [];
  let eventStream = false;
  let named: string | undefined;
  for (let n = 0; n < raw.length; n += 2) {
    const name = raw[n]!.toString('latin1');
    const value = raw[n + 1]!.toString('latin1');
    const key = lowerCase(name);
    if (dropped.has(key)) {
      if (key === 'connection') named = value;
      continue;
    }
    if (key === 'content-type') eventStream = value.startsWith('text/event-stream');
    headers.push(name, value);
  }
  if (named !== undefined && named !== 'keep-alive' && named !== 'close')
    return { headers: without(headers, named), eventStream };
  return { headers, eventStream };
}

function without(headers: string[], named: string): string[] {
  const drop = named
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());
  const left: string[] = [];
  for (let n = 0; n < headers.length; n += 2) {
    const key = lowerCase(headers[n]!);
    if (key === 'content-length' || !drop.includes(key)) left.push(headers[n]!, headers[n + 1]!);
  }
  return left;
}

/** Apps use few names, over and over. */
function lowerCase(name: string): string {
  const known = lower.get(name);
  if (known !== undefined) return known;
  const key = name.toLowerCase();
  if (lower.size < 1000) lower.set(name, key);
  return key;
}

export function textPairs(raw: Buffer[] | string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let n = 0; n < raw.length; n += 2)
    pairs.push([raw[n]!.toString('latin1' as never), raw[n + 1]!.toString('latin1' as never)]);
  return pairs;
}
