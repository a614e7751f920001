import type { Socket } from 'node:net';
import { type Connection, createConnection } from 'mysql2/promise';
import type { DatabaseInstance } from '../../contract.ts';
import type { Dialect } from '../dialect/dialect.ts';
import { dialectOf } from '../dialect/of-server.ts';
import type { Share } from '../external/share.ts';
import { type Encryption, encryptionOf, librarySsl } from '../external/tls.ts';

export interface Address {
  host: string;
  port: number;
  user: string;
  password: string;
  /** Which server has to answer there; another one is refused. */
  engine?: string;
  /** Where Storky does not run the server, and only this is the app's. */
  share?: Share | undefined;
  encryption?: Encryption | undefined;
}

export type Row = Record<string, string | null>;

export interface ConnectOptions {
  /** Write to this server's binary log? Only markers and probes are: nothing else of Storky's may reach the other side. */
  logged?: boolean;
  /** Loads rows that were checked when they were written. */
  loads?: boolean;
  /** Settings of the session. */
  settings?: Record<string, string | number>;
}

/** Storky's own account. */
export function adminOf(instance: DatabaseInstance): Address {
  const { host, port, adminUser: user, adminPassword: password, engine, external } = instance;
  const address = { host, port, user, password, engine };
  if (!external) return address;
  const share = { database: instance.database, user: instance.user, password: instance.password };
  return { ...address, share, encryption: encryptionOf(external) };
}

/** What makes a session's text the same everywhere, and lets every value in that is there already. */
export const plainText = {
  sql_mode: 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',
  time_zone: '+00:00',
} as const;

/** A session. Every value is the server's own text: no number of JavaScript is ever in between. */
export class Client {
  readonly #connection: Connection;
  /** What is particular to the server that it talks to. */
  readonly dialect: Dialect;
  /** All that it looks at, where the server is not Storky's. */
  readonly share: Share | undefined;

  constructor(connection: Connection, dialect: Dialect, share: Share | undefined) {
    this.#connection = connection;
    this.dialect = dialect;
    this.share = share;
  }

  /** The rows of one statement. */
  async query(sql: string): Promise<Row[]> {
    const [rows] = await this.#connection.query(sql);
    return Array.isArray(rows) ? (rows as Row[]) : [];
  }

  /** The rows of each of several statements, which go in one round trip. */
  async batch(...statements: string[]): Promise<Row[][]> {
    if (statements.length === 1) return [await this.query(statements[0]!)];
    const [results] = await this.#connection.query(statements.join(';\n'));
    return (results as unknown[]).map((rows) => (Array.isArray(rows) ? (rows as Row[]) : []));
  }

  async value(sql: string): Promise<string | null> {
    const [row] = await this.query(sql);
    return row ? Object.values(row)[0]! : null;
  }

  get threadId(): number {
    return this.#connection.threadId;
  }

  /** For raw copies and for cutting. */
  get socket(): Socket {
    return (this.#connection as unknown as { connection: { stream: Socket } }).connection.stream;
  }

  end(): Promise<void> {
    return this.#connection.end();
  }
}

/** Times out after 10 s; a session is never ended by the server for being slow or idle. */
export async function connect(
  { engine, share, encryption, ...address }: Address,
  options: ConnectOptions = {},
): Promise<Client> {
  const connection = await createConnection({
    ...address,
    ...(encryption && { ssl: librarySsl(encryption) }),
    // Our own packets say nothing of them.
    flags: ['-CLIENT_QUERY_ATTRIBUTES'],
    charset: 'UTF8MB4_BIN',
    connectTimeout: 10_000,
    enableKeepAlive: true,
    multipleStatements: true,
    typeCast: (field) => field.string('utf8'),
  });
  // Without a listener, a server that goes away would end this process; queries in flight reject by themselves.
  connection.on('error', () => {});
  const client = new Client(connection, greeted(connection, engine), share);
  const settings = {
    ...plainText,
    ...client.dialect.sessions,
    wait_timeout: 31_536_000,
    net_read_timeout: 3600,
    net_write_timeout: 3600,
    // Few may leave it out on a server of somebody else's, and its own replicas need it. The stream's filter keeps it there.
    ...(options.logged || share ? {} : { sql_log_bin: 0 }),
    ...(options.loads ? client.dialect.loading : {}),
    ...options.settings,
  };
  try {
    await client.query(
      `SET ${Object.entries(settings).map(([k, v]) => `${k} = ${typeof v === 'number' ? v : `'${v}'`}`)}`,
    );
    return client;
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

function greeted(connection: Connection, engine: string | undefined): Dialect {
  const { connection: core } = connection as unknown as {
    connection: { _handshakePacket: { serverVersion: string }; stream: Socket };
  };
  try {
    return dialectOf(core._handshakePacket.serverVersion, engine);
  } catch (error) {
    core.stream.destroy();
    throw error;
  }
}

export async function withClient<T>(
  address: Address,
  use: (client: Client) => Promise<T>,
  options: ConnectOptions = {},
): Promise<T> {
  const client = await connect(address, options);
  try {
    return await use(client);
  } finally {
    await disconnect(client);
  }
}

/** Never throws; a session that does not answer is cut after a second. */
export async function disconnect(client: Client | undefined): Promise<void> {
  if (!client) return;
  const cut = setTimeout(() => client.socket.destroy(), 1000);
  await client.end().catch(() => {});
  clearTimeout(cut);
}

/** Is it still there? */
export const alive = (client: Client): Promise<boolean> =>
  client.query('SELECT 1').then(
    () => true,
    () => false,
  );

/** The server's error number, else undefined: a cut connection has none. */
export function errnoOf(error: unknown): number | undefined {
  const { errno, sqlState } = error as { errno?: number; sqlState?: string };
  return sqlState ? errno : undefined;
}
