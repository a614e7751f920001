import type { Client } from './connect.ts';
import { LoadData } from './load-data.ts';
import { RowsToLines } from './rows-to-lines.ts';

export interface Loaded {
  bytes: number;
  /** Which came, and of which the server says that they are there now. */
  read: number;
  rows: number;
  warnings: number;
}

/**
 * A SELECT of one server straight into LOAD DATA of another. Rows are turned into lines of text as they pass, byte by byte,
 * whatever they mean; nothing is kept but some of the row under way. A slow writer stops the reader, so the memory needed does
 * not depend on the amount.
 */
export async function rawCopy(
  from: Client,
  select: string,
  to: Client,
  load: string,
  onBytes: (total: number) => void,
  signal: AbortSignal,
): Promise<Loaded> {
  signal.throwIfAborted();
  const stop = () => {
    from.socket.destroy();
    to.socket.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const writer = await LoadData.begin(to.socket, load);
    const reader = new RowsToLines(from.socket, writer, onBytes);
    const failed = writer.done.catch((error) => {
      reader.fail(error);
      throw error;
    });
    const read = reader.run(select).then((all) => {
      writer.finish();
      return all;
    });
    const [bytes, result] = await Promise.all([read, failed]);
    return { bytes, read: reader.rows, ...result };
  } catch (error) {
    // Somewhere within a message: neither session can be used for anything else.
    stop();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
