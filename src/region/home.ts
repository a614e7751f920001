import type { Readable } from 'node:stream';
import type { DatabaseEngine, DatabaseInstance } from '../drivers/database/contract.ts';
import type { ProjectFinding, ProjectRuntime } from '../drivers/runtime/projects.ts';
import type { Project } from '../protocol/app-record/project.ts';
import type { AppRecord, RecordPart } from '../protocol/app-record/record.ts';
import type { ForwardTarget, Latency } from '../protocol/gate.ts';
import type { StoreDefinition } from '../protocol/link.ts';
import type { CheckResult } from '../protocol/migration.ts';
import type { Loan, RemoteAddon } from './apps/app-document.ts';
import type { AppGate, Epochs } from './switch/parts.ts';

/** What either side of a migration may ask of this region's apps. */
interface EitherHome {
  /** The whole record, secrets included: it goes agent to agent, or stays here. */
  record(app: string): Readonly<AppRecord>;
  exists(app: string): boolean;
  digestPart(app: string, part: RecordPart): { digest: string; items: number };
  database(app: string, addon: string): Promise<{ engine: DatabaseEngine; instance: DatabaseInstance }>;
  /** Addons that the app uses in other regions; this one has nothing of them. */
  remotes(app: string): readonly RemoteAddon[];
  /** Addons of this region that apps of others use. */
  loans(app: string): readonly Loan[];
  changeLoans(app: string, change: (loans: readonly Loan[]) => Loan[]): void;
  treePath(app: string, tree: string): string;
  /** Would the project find its names and places free here? */
  checkProject(project: Project): Promise<ProjectFinding[]>;
  /** Of the container engine on this host. */
  images: ProjectRuntime['images'];
  gate(app: string): AppGate;
  epochs(app: string): Epochs;
  lock(app: string, migration: string): Promise<void>;
  unlock(app: string, migration: string): Promise<void>;
}

/** The old home: nothing here destroys anything. */
export interface SourceHome extends EitherHome {
  exportPart(app: string, part: RecordPart): unknown;
  storeDefinitions(app: string): StoreDefinition[];
  openBuild(sha256: string): Readable;
  /** Runs a command of the app beside its processes; `code` is null when it took too long. */
  runOnce(app: string, command: string): Promise<{ code: number | null; lines: string[] }>;
  /** Connections to the app that go past its gate, since they are older than it. */
  passing(app: string): Promise<string[]>;
  /** How visitors will be led to the gate, where that is not the router's alone. */
  waysIn(app: string): Promise<CheckResult[]>;
  /** Ends workers and schedules, and waits until they are gone. */
  quiesce(app: string): Promise<void>;
  /** Ends everything, for a carrier that needs an app that stands still. */
  halt(app: string): Promise<void>;
  /** Takes `quiesce` back. */
  resume(app: string): Promise<void>;
  /** Takes `halt` back. */
  unhalt(app: string): Promise<void>;
  /** How long the app takes to answer its visitors. */
  latency(app: string): Promise<Latency>;
  /** What the owner asked for. */
  desired(app: string): 'running' | 'stopped';
  /** Remembers where a passive app's requests go. */
  setForward(app: string, to: ForwardTarget | null): void;
  /** Brings the processes to what document and epoch say now. */
  reconcile(app: string): Promise<void>;
}

/** The new home. */
export interface TargetHome extends EitherHome {
  createPassive(
    base: { name: string },
    by: { migration: string; peer: string; epoch: number; desired: 'running' | 'stopped' },
  ): Promise<{ appId: string }>;
  importPart(app: string, part: RecordPart, value: unknown): Promise<void>;
  clearPart(app: string, part: RecordPart): Promise<void>;
  hasBuild(sha256: string): boolean;
  receiveBuild(sha256: string, archive: Readable): Promise<unknown>;
  /** It came with the app, and goes with it where the move is taken back. */
  keepImage(app: string, id: string): void;
  provision(app: string, definition: StoreDefinition): Promise<void>;
  /** Instead of one of its own, the app uses the addon where it is. */
  useRemotely(
    app: string,
    definition: Extract<StoreDefinition, { kind: 'database' }>,
    lender: Pick<RemoteAddon, 'peer' | 'peerApp' | 'migration'>,
  ): Promise<void>;
  /** Takes `useRemotely` away; an old copy of its own stays. */
  dropRemote(app: string, addon: string): Promise<void>;
  deprovision(app: string, store: string): Promise<void>;
  /** Web only, behind the holding gate; resolves when healthy. */
  startWeb(app: string): Promise<{ previewUrl: string }>;
  stopWeb(app: string): Promise<void>;
  startWorkers(app: string): Promise<void>;
  removeCompletely(app: string): Promise<void>;
}
