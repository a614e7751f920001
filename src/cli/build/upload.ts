import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { request } from 'undici';
import { type ErrorReport, StorkyError } from '../../protocol/errors.ts';
import { reason } from '../../protocol/orpc-errors.ts';
import type { Connection } from '../connection/client.ts';
import type { Archive } from './archive.ts';

interface Upload {
  region: string;
  archive: Archive;
  signal: AbortSignal;
  onProgress(sentBytes: number): void;
}

/** Sends the archive to the region, unless it is there already. Says whether it had to. */
export async function uploadBuild(connection: Connection, upload: Upload): Promise<'sent' | 'already there'> {
  const url = `${connection.address}/v1/regions/${upload.region}/builds/${upload.archive.sha256}`;
  const { dispatcher, authorization } = connection.http;
  const options = { dispatcher, signal: upload.signal };
  try {
    const found = await request(url, { ...options, method: 'HEAD', headers: { authorization } });
    await found.body.dump();
    if (found.statusCode === 200 || found.statusCode === 204) return 'already there';
    const headers = {
      authorization,
      'content-type': 'application/gzip',
      'content-length': String(upload.archive.bytes),
    };
    const answer = await request(url, { ...options, method: 'PUT', headers, body: counted(upload) });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw errorFrom(text, answer.statusCode);
    return 'sent';
  } catch (error) {
    if (error instanceof StorkyError || upload.signal.aborted) throw error;
    throw connection.unreachable(reason(error));
  }
}

function counted({ archive, onProgress }: Upload): Transform {
  let sent = 0;
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      sent += chunk.length;
      onProgress(sent);
      done(null, chunk);
    },
  });
  return createReadStream(archive.path)
    .on('error', (error) => count.destroy(error))
    .pipe(count);
}

/** The report is the body, or the `data` of an oRPC error. */
function errorFrom(text: string, status: number): StorkyError {
  const body = parsed(text);
  const report = body?.data ?? body;
  if (typeof report?.code === 'string') return StorkyError.fromReport(report as ErrorReport);
  return new StorkyError('internal', {
    detail: `the server answered the upload with ${status}: ${text.slice(0, 200)}`,
  });
}

function parsed(text: string): (Partial<ErrorReport> & { data?: Partial<ErrorReport> }) | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
