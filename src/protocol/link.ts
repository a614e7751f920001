import { z } from 'zod';
import { AppName, PartName } from './app-record/names.ts';
import { FileTree } from './app-record/parts.ts';
import { Addon } from './app-record/process.ts';
import { RecordPart } from './app-record/record.ts';
import { WantedBlobs } from './image.ts';
import { CopyLimit } from './migration.ts';

/**
 * Agent to agent. One TLS connection a stream: an HTTP/1.1 upgrade on the agent's port, `Upgrade: storky-link`, whose
 * `storky-hello` header holds one of these as JSON. Both ends show a certificate of the server's CA; the receiving agent
 * then asks whether a running migration grants it. After 101 the bytes belong to the stream.
 */
const base = { migration: z.uuid(), app: AppName };
export const LinkHello = z.discriminatedUnion('kind', [
  /** To the port of the app's database; raw bytes. */
  z.object({ kind: z.literal('tunnel'), ...base, store: PartName }),
  /** To the port of a database that the peer's app uses from there; raw bytes. Lasts longer than the migration that lent it. */
  z.object({ kind: z.literal('loan'), ...base, store: PartName }),
  /** The peer uses it no more: the loan ends. Answers `{}`, then end. */
  z.object({ kind: z.literal('give-back'), ...base, store: PartName }),
  /** To `SourceStore.serve`. */
  z.object({ kind: z.literal('store'), ...base, store: PartName }),
  /** `SourceStore.backup`, then end. */
  z.object({ kind: z.literal('backup'), ...base, store: PartName }),
  /** One part of the app record as JSON, then end. */
  z.object({ kind: z.literal('part'), ...base, part: RecordPart }),
  /** The stores' definitions with their credentials, as JSON, then end. */
  z.object({ kind: z.literal('stores'), ...base }),
  /** A store's follow ticket as JSON, then end; with how fast it will be copied at most. */
  z.object({ kind: z.literal('ticket'), ...base, store: PartName, copyLimit: CopyLimit.optional() }),
  /** How the app and its stores fare, as JSON, then end. */
  z.object({ kind: z.literal('pressure'), ...base }),
  /** The build's archive, then end. */
  z.object({ kind: z.literal('build'), ...base, sha256: z.string() }),
  /** What an image of the app's containers consists of, as JSON, then end. */
  z.object({ kind: z.literal('image'), ...base, image: z.string() }),
  /** Those blobs of it, each from the byte on that is said, then end. */
  z.object({ kind: z.literal('blobs'), ...base, image: z.string(), wanted: WantedBlobs }),
  /** The switch's messages, one JSON object a line. Opened by the source. */
  z.object({ kind: z.literal('switch'), ...base }),
]);
export type LinkHello = z.infer<typeof LinkHello>;

/** What passes on the switch stream. `epoch` is the one that the switch would make. */
export const SwitchMessage = z.discriminatedUnion('t', [
  z.object({ t: z.literal('ping'), n: z.number() }),
  z.object({ t: z.literal('pong'), n: z.number() }),
  /** source → target, before anything is held: would you take it? */
  z.object({ t: z.literal('prepare'), epoch: z.number().int() }),
  z.object({ t: z.literal('prepared'), epoch: z.number().int() }),
  /** source → target, in the freeze: this store's marker is written; say when all are applied. */
  z.object({ t: z.literal('marked'), epoch: z.number().int(), store: PartName, proof: z.string().nullable() }),
  /** target → source: every marker was seen applied here (invariants 1 and 3). */
  z.object({
    t: z.literal('ready'),
    epoch: z.number().int(),
    stores: z.record(PartName, z.object({ markMs: z.number(), detail: z.string(), turn: z.string().optional() })),
  }),
  /** source → target: the source recorded passive(epoch); serve. Repeated until `activated`. */
  z.object({ t: z.literal('active'), epoch: z.number().int() }),
  z.object({ t: z.literal('activated'), epoch: z.number().int() }),
  /** source → target: backed out; forget this epoch. */
  z.object({ t: z.literal('cancel'), epoch: z.number().int() }),
  z.object({ t: z.literal('refused'), epoch: z.number().int(), code: z.string(), detail: z.string() }),
]);
export type SwitchMessage = z.infer<typeof SwitchMessage>;

/** What makes a store the same one elsewhere: what `stores` answers with. Holds a password: agent to agent only. */
export const StoreDefinition = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('database'),
    addon: Addon,
    version: z.string(),
    names: z.object({ database: z.string(), user: z.string(), password: z.string() }),
  }),
  z.object({ kind: z.literal('files'), tree: FileTree }),
]);
export type StoreDefinition = z.infer<typeof StoreDefinition>;

export const nameOf = (definition: StoreDefinition): string =>
  (definition.kind === 'files' ? definition.tree : definition.addon).name;
