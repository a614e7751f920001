import type { Entry } from './entry.ts';
import type { TreePath } from './names.ts';
import type { Spot } from './walk-in-order.ts';

/** What a stream is for; its first message, from the target, which opens every stream. */
export type Purpose = 'walk' | 'fetch' | 'follow' | 'verify' | 'ask' | 'proof';

/** A path that the target wants, with the hash of what it has, so that equal content is not sent. */
export interface Wanted {
  path: TreePath;
  have?: string;
  /** Its block hashes, base64: where some blocks differ, only those are sent. */
  table?: string;
  /** Send the whole content, whatever was sent before. */
  whole?: boolean;
  /** This many blocks of the state `sig` are there already, from a stream that broke. */
  left?: { sig: string; blocks: number };
}

/** name, signature, size */
export type Listed = [string, string, number];

/** name, the source's signature now, the target's when both were proven equal, content hash, block hashes in base64 or '' */
export type Alike = [string, string, string, string, string];

/** name, kind, mode, uid, gid, mtime, size, link or rdev or '', content hash or '' */
export type Hashed = [string, Entry['kind'], number, number, number, string, number, string | number, string];

export type Message =
  // walk, with `alike`: the target was equal to the source at a switch, and wants to be told what is untouched since.
  // verify, with `after`: where an earlier comparison was cut short.
  | { t: 'hello'; want: Purpose; version: 1; alike?: boolean; after?: Spot }
  // proof: the source answers with the id of the ticket that it gave, and the stream ends.
  | { t: 'known'; id: string }
  // Changes, source → target. A file's `put` is followed by its pieces and `end`.
  | { t: 'put'; entry: Entry; base: string | null; from?: number }
  | { t: 'end'; hash: string; sig: string }
  | { t: 'same'; entry: Entry; hash: string }
  | { t: 'gone'; path: TreePath }
  | { t: 'unreadable'; path: TreePath; detail: string }
  // walk: the whole tree, directory by directory, source → target; a directory may take several pages.
  | { t: 'alike'; dir: TreePath; files: Alike[] }
  | { t: 'page'; dir: TreePath; names: Listed[]; last: boolean }
  | { t: 'walked' }
  // fetch: target asks, source answers with changes, then `done`.
  | { t: 'fetch'; wanted: Wanted[] }
  | { t: 'done' }
  // follow: source pushes changes in batches; the target acknowledges what it has applied.
  | { t: 'batch'; n: number }
  | { t: 'ack'; n: number }
  | { t: 'resend'; path: TreePath }
  | { t: 'lag'; items: number; bytes: number; ms: number }
  // follow, a scan: a digest of each directory; the target asks for the listings that differ, then names what is in doubt.
  | { t: 'dir'; path: TreePath; digest: string }
  | { t: 'want'; path: TreePath }
  | { t: 'listing'; dir: TreePath; names: Listed[]; last: boolean }
  | { t: 'doubt'; wanted: Wanted[]; markAgain?: boolean }
  | { t: 'scanned'; id: number; whole: boolean }
  // follow, the switch.
  | { t: 'freeze'; epoch: number }
  | { t: 'marker'; epoch: number; items: number; digest: string }
  | { t: 'thaw' }
  | { t: 'probe'; id: number }
  // verify: hashes of one directory, of its buckets up to `upTo`; then single paths again, after everything pending has been applied.
  | { t: 'hashes'; dir: TreePath; entries: Hashed[]; upTo: number }
  // ask: the same without the first part; the target names what it wants to have hashed.
  | { t: 'hash'; dir: TreePath; names: string[] }
  | { t: 'again'; path: TreePath }
  | { t: 'answer'; path: TreePath; entry: Hashed | null; busy: boolean };
