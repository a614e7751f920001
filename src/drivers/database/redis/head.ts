import type { Readable } from 'node:stream';

/** The line of JSON that a dump begins with, and what comes after it. */
export async function headOf<T>(dump: Readable): Promise<{ head: T; rest: AsyncIterable<Buffer> }> {
  const chunks = dump[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const seen: Buffer[] = [];
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    seen.push(next.value);
    if (!next.value.includes(10)) continue;
    const text = Buffer.concat(seen);
    const end = text.indexOf(10);
    return { head: JSON.parse(text.toString('utf8', 0, end)) as T, rest: after(text.subarray(end + 1), chunks) };
  }
  throw new Error('the dump ended before it began');
}

/** Left before its end, it ends the stream too. */
async function* after(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (first.length > 0) yield first;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}
