import type { Report } from '../../../store.ts';
import { ask, type Client } from '../wire/connect.ts';
import type { Piece } from './pieces.ts';

/** Bytes that are under way to the server at once. */
const most = 4 * 1024 ** 2;

/** Into a server that is empty, or has what an attempt that was cut short has left. @throws Error where a key does not come in */
export async function loadKeys(
  client: Client,
  pieces: AsyncIterable<Piece>,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  let [items, bytes, whole] = [0, 0, false];
  let underWay: Promise<unknown>[] = [];
  const settled = async () => {
    await Promise.all(underWay);
    [underWay, bytes] = [[], 0];
    report({ done: items, total: null, unit: 'items', note: 'restore' });
  };
  for await (const piece of pieces) {
    signal.throwIfAborted();
    if (piece.kind === 'end') whole = piece.number === items;
    else if (piece.kind === 'database') await ask(client, 'SELECT', piece.number);
    else if (piece.kind === 'functions') await ask(client, 'FUNCTION', 'RESTORE', piece.value, 'FLUSH');
    else {
      const restored = ask(client, 'RESTORE', piece.name, piece.number, piece.value, 'ABSTTL', 'REPLACE');
      restored.catch(() => {}); // it is waited for below
      underWay.push(restored);
      items++;
      bytes += piece.value.length;
      if (bytes >= most || underWay.length >= 1_000) await settled();
    }
  }
  await settled();
  if (!whole) throw new Error('the dump ended before its end');
}
