import type { Turns } from '../../base/turns.ts';
import type { DatabaseInstance } from '../../drivers/database/contract.ts';
import type { Runtime } from '../../drivers/runtime/contract.ts';
import { AppRecord, type RecordPart } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { EpochRecord, ForwardTarget } from '../../protocol/gate.ts';
import type { StoreDefinition } from '../../protocol/link.ts';
import type { AppDocument, RemoteAddon } from './app-document.ts';
import type { AppParts } from './app-parts.ts';
import { checkHosts, refuseLocked } from './check-record.ts';
import { deprovisionStore, provisionStore } from './moving-stores.ts';
import type { Projects } from './projects/projects.ts';
import { digestPart, exportPart, withoutPart, withPart } from './record-parts.ts';
import type { RemoteAddons } from './remote-addons.ts';
import { removeApp } from './remove.ts';
import { type Outcome, runOnce } from './run-once.ts';

type DatabaseDefinition = Extract<StoreDefinition, { kind: 'database' }>;
type Lender = Pick<RemoteAddon, 'peer' | 'peerApp' | 'migration'>;

/** What a migration does with an app. Unlike the user's verbs, these work on a locked app. */
export class MovingApps {
  readonly #parts: AppParts;
  readonly #runtime: Runtime;
  readonly #turns: Turns;

  constructor(parts: AppParts, runtime: Runtime, turns: Turns) {
    this.#parts = parts;
    this.#runtime = runtime;
    this.#turns = turns;
  }

  /** Settings become read-only, after a change that is under way. Idempotent. @throws StorkyError app_locked by another */
  lock(app: string, migration: string): Promise<void> {
    return this.#turns.take(app, async () => {
      const document = this.#parts.store.get(app);
      if (document.lockedBy !== migration) refuseLocked(document);
      this.#change(app, { lockedBy: migration });
    });
  }

  /** Idempotent; another migration's lock stays. What a switch told the gate, its budget for example, goes with the lock. */
  async unlock(app: string, migration: string): Promise<void> {
    if (this.#parts.store.find(app)?.lockedBy !== migration) return;
    await this.#parts.gates.show(app);
    this.#change(app, { lockedBy: null });
  }

  /** A passive, locked app without processes or data, behind a gate that holds. Made again by its migration, it stays as it is. */
  createPassive(
    base: Pick<AppRecord, 'name'> & Partial<Pick<AppRecord, 'source' | 'buildCommand'>>,
    {
      desired = 'running',
      ...by
    }: Omit<EpochRecord, 'role' | 'at'> & { migration: string; desired?: AppDocument['desired'] },
  ): Promise<{ appId: string }> {
    return this.#turns.take(base.name, async () => {
      const { store, gates, domain, region } = this.#parts;
      const known = store.find(base.name);
      if (known && (known.lockedBy !== by.migration || this.epoch(base.name).role === 'active'))
        throw new StorkyError('app_exists', { app: base.name, region });
      const record = AppRecord.parse(base);
      checkHosts(record, store, domain);
      const at = new Date().toISOString();
      const { id } =
        known ??
        store.create(record, { ...by, role: 'passive', at }, (draft) => {
          Object.assign(draft, { life: 'created', lockedBy: by.migration, desired } satisfies Partial<AppDocument>);
        });
      await gates.show(base.name);
      return { appId: id };
    });
  }

  exportPart(app: string, part: RecordPart): unknown {
    return exportPart(this.#record(app), part);
  }

  digestPart(app: string, part: RecordPart): { digest: string; items: number } {
    return digestPart(this.#record(app), part);
  }

  /** The archive of a build was received before. */
  importPart(app: string, part: RecordPart, value: unknown): Promise<void> {
    return this.#changePassive(app, (record) => {
      const { store, builds, domain } = this.#parts;
      const next = withPart(record, part, value);
      if (part === 'domains') checkHosts(next, store, domain);
      if (next.build?.kind === 'archive' && !builds.has(next.build.sha256))
        throw new StorkyError('bad_request', {
          detail: `the archive ${next.build.sha256} is not here`,
          field: 'build',
        });
      return next;
    });
  }

  /** It came with the app, and goes with it where the move is taken back. Idempotent. */
  keepImage(app: string, id: string): void {
    this.#parts.store.change(app, (draft) => {
      draft.images = [...new Set([...draft.images, id])];
    });
  }

  /** Idempotent. */
  async clearPart(app: string, part: RecordPart): Promise<void> {
    const { build } = this.#record(app);
    if (part === 'project') await this.#parts.projects.remove(app);
    await this.#changePassive(app, (record) => withoutPart(record, part));
    if (part === 'build') this.#parts.collectBuild(build);
  }

  /** Of a project of containers, at a migration's beginning and when no migration has it any more. Idempotent. */
  get projects(): Projects {
    return this.#parts.projects;
  }

  storeDefinitions(app: string): StoreDefinition[] {
    const { addons, files } = this.#record(app);
    const here = addons.filter(({ name }) => !this.#isRemote(app, name));
    const databases = here.map(({ address: _, user: __, password: ___, ...addon }): StoreDefinition => {
      const { version, database, user, password } = this.instance(app, addon.name);
      return { kind: 'database', addon, version, names: { database, user, password } };
    });
    return [...databases, ...files.map((tree): StoreDefinition => ({ kind: 'files', tree }))];
  }

  /** An empty database or file tree, known to the app by the names it had. Idempotent. Only where the app is passive. */
  provision(app: string, definition: StoreDefinition): Promise<void> {
    return this.#onPassive(app, () => provisionStore(this.#parts, app, definition));
  }

  /** Data and all. Idempotent. Only where the app is passive. */
  deprovision(app: string, name: string): Promise<void> {
    return this.#onPassive(app, () => deprovisionStore(this.#parts, app, name));
  }

  /** The addon stays in the other region; the app gets a port here that leads to it. Idempotent. Only where it is passive. */
  useRemotely(app: string, { addon, version, names }: DatabaseDefinition, lender: Lender): Promise<void> {
    return this.#turns.take(app, async () => {
      this.#mustBePassive(app);
      const { name, engine, plan } = addon;
      await this.abroad.use(app, addon, { addon: name, engine, plan, version, ...names, ...lender });
    });
  }

  /** Takes `useRemotely` away. Idempotent. */
  dropRemote(app: string, addon: string): Promise<void> {
    return this.#turns.take(app, () => this.abroad.drop(app, addon));
  }

  /** What the app uses in other regions, and what it has lent to them. */
  get abroad(): RemoteAddons {
    return this.#parts.remotes;
  }

  /** @throws StorkyError unknown_addon where it is not here: what is in another region has at most an old copy */
  instance(app: string, addon: string): DatabaseInstance {
    if (this.#isRemote(app, addon)) throw new StorkyError('unknown_addon', { app, name: addon });
    return this.#parts.databases.instance(app, addon);
  }

  /** Absolute path of a file tree. @throws StorkyError unknown_addon */
  treePath(app: string, name: string): string {
    if (!this.#record(app).files.some((tree) => tree.name === name))
      throw new StorkyError('unknown_addon', { app, name });
    const { projects, store } = this.#parts;
    return projects.isProject(app) ? projects.treePath(app, name) : store.paths.tree(app, name);
  }

  epoch(app: string): EpochRecord {
    return this.#parts.store.readEpoch(app);
  }

  epochFile(app: string): string {
    return this.#parts.store.paths.epoch(app);
  }

  /** Invariant 1: synchronous, durable when it returns. What runs follows by `reconcile`, not from here. */
  recordEpoch(app: string, record: EpochRecord): void {
    this.#parts.store.recordEpoch(app, record);
  }

  /** Durable when it returns; the gate is told by the switch itself, or by `showGate`. */
  setForward(app: string, to: ForwardTarget | null): void {
    this.#change(app, { forward: to });
  }

  /** The router's gate as document and epoch say: serve, forward, or hold with a way in for previews. Ends a switch's hold. */
  async showGate(app: string): Promise<void> {
    await this.#parts.gates.show(app);
  }

  /** What runs as document and epoch say. What a migration held back, or let run early, ends with the role it was for. */
  reconcile(app: string): Promise<void> {
    return this.#turns.take(app, async () => {
      const { role } = this.epoch(app);
      this.#change(app, role === 'active' ? { webWhilePassive: false } : { quiesced: false, halted: false });
      await this.#parts.runner.become(app);
    });
  }

  /** Stops workers and schedules; none is left when it returns. Idempotent. */
  quiesce(app: string): Promise<void> {
    return this.#become(app, { quiesced: true });
  }

  /** Stops everything, web too; the gate has nobody to ask then. Idempotent. */
  halt(app: string): Promise<void> {
    return this.#become(app, { halted: true });
  }

  /** Starts again what `quiesce` stopped, where the app is active and not halted. Idempotent. */
  resume(app: string): Promise<void> {
    return this.#become(app, { quiesced: false });
  }

  /** Starts again what `halt` stopped, where the app is active. Idempotent. */
  unhalt(app: string): Promise<void> {
    return this.#become(app, { halted: false });
  }

  /** Web processes behind the holding gate, healthy when it returns. @throws StorkyError target_unhealthy */
  async startWeb(app: string): Promise<{ previewUrl: string }> {
    await this.#parts.projects.begin(app);
    await this.#become(app, { webWhilePassive: true });
    await this.#parts.runner.webReady(app);
    return { previewUrl: this.#parts.gates.previewUrl(app) };
  }

  /** Idempotent; where the app is active, its web processes go on. */
  stopWeb(app: string): Promise<void> {
    return this.#become(app, { webWhilePassive: false });
  }

  /** After the switch. From here on the app runs here because it is active, not for a preview. */
  startWorkers(app: string): Promise<void> {
    return this.#become(app, { quiesced: false, halted: false, webWhilePassive: false });
  }

  /** Runs one command in the app's release and environment. */
  async runOnce(app: string, command: string, timeoutMs = 60_000): Promise<Outcome> {
    return await runOnce(this.#runtime, await this.#parts.runner.surroundings(app), command, timeoutMs);
  }

  /** App, gate, builds, databases and files, also of a locked app. Idempotent. The caller has made sure that it may go. */
  removeCompletely(app: string): Promise<void> {
    return this.#turns.take(app, () => removeApp(this.#parts, app));
  }

  #isRemote(app: string, name: string): boolean {
    return this.abroad.of(app).some(({ addon }) => addon === name);
  }

  #onPassive(app: string, work: () => Promise<void>): Promise<void> {
    return this.#turns.take(app, async () => {
      this.#mustBePassive(app);
      await work();
    });
  }

  #record(app: string): AppRecord {
    return this.#parts.store.get(app).record;
  }

  #become(app: string, part: Partial<AppDocument>): Promise<void> {
    return this.#turns.take(app, async () => {
      this.#change(app, part);
      await this.#parts.runner.become(app);
    });
  }

  #change(app: string, part: Partial<AppDocument>): void {
    this.#parts.store.change(app, (draft) => void Object.assign(draft, part));
  }

  #changePassive(app: string, change: (record: AppRecord) => AppRecord): Promise<void> {
    return this.#turns.take(app, async () => {
      this.#mustBePassive(app);
      this.#parts.store.change(app, (draft) => {
        draft.record = change(draft.record);
        draft.made = draft.record.project !== null;
      });
      await this.#parts.gates.show(app);
    });
  }

  /** A migration writes to the side that does not serve, whatever else it believes. */
  #mustBePassive(app: string): void {
    if (this.epoch(app).role === 'active')
      throw new StorkyError('internal', {
        detail: `${app} is active in ${this.#parts.region}; a migration may not change it there`,
      });
  }
}
