import type { Accounts } from '../accounts.ts';
import type { Share } from '../external/share.ts';
import type { Place } from '../source/taken.ts';
import type { Client, Row } from '../wire/connect.ts';

export type ServerName = 'mariadb' | 'mysql';

/** Where a stream leads, and as whom. */
export interface Leads {
  host: string;
  port: number;
  user: string;
  password: string;
}

/** A right to write on a read-only server: how it is taken, and `granted`, which is remembered and given back. */
export interface Exemption {
  revoke: string;
  granted: string;
}

/**
 * What differs between the servers that speak this protocol: statements, and how their answers are read. A session has that of
 * its server (`Client.dialect`); everything else in this folder is the same for both.
 */
export interface Dialect {
  readonly server: ServerName;
  /** For people. */
  readonly title: string;

  /** Settings of every session, and of one that loads rows, in addition to the common ones. */
  readonly sessions: Record<string, string | number>;
  readonly loading: Record<string, string | number>;
  /** The shortest time to wait for a lock that this server knows, seconds. */
  readonly shortestLockWait: number;

  // What the log can say.
  /** An expression: the position up to which everything that was written here, or came here, is done. */
  readonly position: string;
  /** An expression, 0 once the position is reached here. Waits at most so long; whole seconds where the server knows no others. */
  waitFor(position: string, seconds: number): string;
  /** The stream begins here, and nothing that was before is asked for. */
  beginAt(client: Client, position: string): Promise<void>;
  /** Before a copy: no earlier copy's position counts any more. */
  forgetPosition(client: Client): Promise<void>;
  /** One row with `File` and `Position`. */
  readonly endOfLog: string;
  /** One row: version, id, domain (where its numbers come from), names (lower_case_table_names). */
  readonly identity: string;
  /** One row: version, server, domain, log, format, image, echo ('0': what it applies is not in its own log). */
  readonly logSettings: string;

  // Streams, by name.
  showStream(name: string): string;
  /** What the server answers where there is none. */
  readonly noSuchStream: number;
  /** What a stream ends with when the log no longer has what comes next, or never had it. */
  readonly positionLost: readonly number[];
  /** A row of `showStream` with the columns by their older names. */
  streamRow(row: Row): Row;
  /** From the position that is set here. */
  followFrom(name: string, leads: Leads): string;
  /** After `followFrom`: what the stream may bring, which is everything where it is not a share. */
  onlyFrom(name: string, share: Share | undefined): readonly string[];
  /** From a place in the log, and never applied. */
  receiveFrom(name: string, leads: Leads, place: Place): string;
  startStream(name: string, what?: 'receiver'): string;
  stopStream(name: string): string;
  dropStream(name: string): string;

  /** The server's number from now on; where it can be, over its restart too. */
  takeNumber(number: string): string;
  /** The one that its owner gave it. */
  giveNumberBack(number: string): readonly string[];

  // The moment of the copy.
  /** Whether commits can be halted at once; where not, what is in the way. */
  inTheWay(client: Client): Promise<string | undefined>;
  /** Structure changes and accounts, then commits. `before` and `after` are for a session that holds them. */
  readonly haltStructure: readonly string[];
  readonly haltCommits: readonly string[];
  readonly resume: readonly string[];
  /** In a session that has just opened its snapshot: the same answer in all. */
  readonly snapshotPosition: string;

  // The fence.
  readonly holdStructure: readonly string[];
  readonly releaseStructure: string;
  /** What the server answers when there was nothing to release. */
  readonly nothingHeld: number | undefined;
  /** While structure is held, accounts cannot be changed either. */
  readonly structureHoldsAccounts: boolean;
  /** Waits for a lock on a table can make the server end a transaction of the app as a deadlock. */
  readonly lockWaitsEndOthers: boolean;
  /** Ends with `tooLate` when it takes longer. */
  within(seconds: number, statement: string): string;
  readonly tooLate: number;
  /** Rows with `name` and `next`, of tables in use; opens no table. */
  readonly counters: string;
  /** Grows with every statement that may change the structure. */
  ddlCount(client: Client): Promise<string>;
  readonly structureParts: readonly (readonly [table: string, schema: string, columns: string])[];

  // Accounts.
  readAccounts(client: Client): Promise<Accounts>;
  /** `contained`: in a container, whose image has made an account for itself. */
  replaceAccounts(client: Client, accounts: Accounts, contained: boolean): Promise<void>;
  /** For the migration's account: makes it anew, with what it needs. */
  createReader(name: string, password: string): readonly string[];
  /** Rows with `account` and `said`, of the app's accounts that may log in. */
  readonly openAccounts: string;
  /** Those that `sealed_account` remembers may log in again. */
  letIn(client: Client): Promise<void>;
  /** Rows with `account` and `locked`. */
  readonly accountLocks: string;
  setLock(account: string, locked: string | null): string;
  exemptions(client: Client): Promise<Exemption[]>;
  grantBack(granted: string): string;
  endSession(id: string): string;

  // The rest.
  /** Names that may keep their writes out of the log. */
  readonly unloggedWriters: string;
  /** Seconds for which logs are kept, 0 is for ever. */
  readonly logRetention: string;
  /** What `ALTER EVENT` says for a state of `information_schema.EVENTS`. */
  readonly eventStates: Readonly<Record<string, string>>;
  /** More settings by which its log would not hold every row as it is: name → what it must be. */
  readonly furtherLogSettings: Readonly<Record<string, string>>;
  /** Said by the preflight where this server has never been tried. */
  readonly untried: string | undefined;
}
