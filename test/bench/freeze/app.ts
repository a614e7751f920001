import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { serve } from '../child.ts';

/** The smallest app that writes: `POST /ID` answers when the row is committed, `GET /` when the database answers. */
const api = {
  async start(url: string): Promise<number> {
    const pool = new pg.Pool({ connectionString: url, max: 20, idleTimeoutMillis: 0 });
    pool.on('error', () => {}); // the fence ends sessions of the old side; the next request takes another
    const server = createServer((request, response) => {
      const work =
        request.method === 'POST'
          ? pool.query({ name: 'write', text: 'INSERT INTO entries (id) VALUES ($1)', values: [request.url!.slice(1)] })
          : pool.query('SELECT count(*) FROM customers');
      work.then(
        () => response.end('written\n'),
        (error: Error) => response.writeHead(500).end(`${error.message}\n`),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
};

export type App = typeof api;
serve(api);
