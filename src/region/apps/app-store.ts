import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { EpochRecord } from '../../protocol/gate.ts';
import { type AppDocument, newDocument, parseDocument } from './app-document.ts';
import { AppPaths } from './app-paths.ts';
import { readEpoch, recordEpoch } from './epoch-file.ts';

/**
 * The agent's memory: one JSON document for each app, and its epoch beside it. Every change is one synchronous
 * read–change–validate–write, so changes of one agent never interleave, and a crash leaves the old or the new document.
 */
export class AppStore {
  readonly paths: AppPaths;
  readonly #region: string;
  readonly #known = new Map<string, AppDocument>();

  constructor(dataFolder: string, region: string) {
    this.paths = new AppPaths(dataFolder);
    this.#region = region;
    mkdirSync(this.paths.root, { recursive: true });
    mkdirSync(this.paths.builds, { recursive: true, mode: 0o700 });
    // Apps and databases run under another account: it may pass through, and list nothing.
    for (const folder of [dataFolder, this.paths.root]) chmodSync(folder, 0o711);
    for (const app of this.names()) this.#dropDrafts(app);
  }

  /** Also those that are only half created or half removed. */
  names(): string[] {
    return readdirSync(this.paths.root)
      .filter((name) => existsSync(this.paths.document(name)))
      .sort();
  }

  /** Every document that can be read; one broken app must not keep the others from working. */
  all(): { documents: Readonly<AppDocument>[]; unreadable: string[] } {
    const documents: Readonly<AppDocument>[] = [];
    const unreadable: string[] = [];
    for (const app of this.names()) {
      try {
        documents.push(this.get(app));
      } catch {
        unreadable.push(app);
      }
    }
    return { documents, unreadable };
  }

  find(app: string): Readonly<AppDocument> | undefined {
    const known = this.#known.get(app);
    if (known) return known;
    const json = readJson<unknown>(this.paths.document(app));
    if (json === undefined) return undefined;
    const document = parseDocument(app, json);
    this.#known.set(app, document);
    return document;
  }

  /** @throws StorkyError unknown_app */
  get(app: string): Readonly<AppDocument> {
    const document = this.find(app);
    if (!document) throw new StorkyError('unknown_app', { app, region: this.#region });
    return document;
  }

  /** The epoch first: an app whose document is there always says who serves it. @throws StorkyError app_exists */
  create(
    record: AppRecord,
    epoch: EpochRecord,
    change: (draft: AppDocument) => void = () => {},
  ): Readonly<AppDocument> {
    const app = record.name;
    if (this.find(app)) throw new StorkyError('app_exists', { app, region: this.#region });
    this.#sweep(app);
    mkdirSync(this.paths.folder(app), { mode: 0o711 });
    recordEpoch(this.paths.epoch(app), epoch);
    const draft = newDocument(randomUUID(), record);
    change(draft);
    return this.#write(app, draft);
  }

  change(app: string, change: (draft: AppDocument) => void): Readonly<AppDocument> {
    const draft = structuredClone(this.get(app)) as AppDocument;
    change(draft);
    return this.#write(app, draft);
  }

  /** Removes the folder; its processes and databases were ended before. Idempotent. */
  delete(app: string): void {
    rmSync(this.paths.document(app), { force: true });
    this.#known.delete(app);
    this.#sweep(app);
  }

  readEpoch(app: string): EpochRecord {
    this.get(app);
    return readEpoch(this.paths.epoch(app));
  }

  /** Invariant 1: durable when it returns. */
  recordEpoch(app: string, record: EpochRecord): void {
    this.get(app);
    recordEpoch(this.paths.epoch(app), record);
  }

  #write(app: string, draft: AppDocument): Readonly<AppDocument> {
    const document = parseDocument(app, draft);
    writeJsonAtomic(this.paths.document(app), document);
    this.#known.set(app, document);
    return document;
  }

  /** What writers left that were killed in the middle. */
  #dropDrafts(app: string): void {
    const folder = this.paths.folder(app);
    for (const name of readdirSync(folder))
      if (/^(app|epoch|processes)\.json\.\d+\.tmp$/.test(name)) rmSync(join(folder, name), { force: true });
  }

  /** What a creation or removal left that was cut short. */
  #sweep(app: string): void {
    rmSync(this.paths.folder(app), { recursive: true, force: true, maxRetries: 3 });
  }
}
