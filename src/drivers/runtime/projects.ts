import type { Readable } from 'node:stream';
import type { Project, ProjectMount, ProjectService } from '../../protocol/app-record/project.ts';
import type { ReadHints } from '../../protocol/discovery.ts';
import type { MovedImage, WantedBlobs } from '../../protocol/image.ts';
import type { Guest } from '../database/contract.ts';

/** Before it is ready, nobody but processes of this host reaches that port. Of one that runs already it is only waited for. */
export interface ShutUntil {
  port: number;
  ready: () => Promise<void>;
}

export type StartedAgain = 'by its engine' | 'by Storky';

/** One container as it is at this moment. */
export interface ContainerState {
  name: string;
  service: string;
  running: boolean;
  /** What its own health check says; null where it has none. */
  healthy: boolean | null;
  exitCode: number | null;
  restarts: number;
  since: string;
  /** Of a process in it, by which its network is found; null where it does not run. */
  pid: number | null;
  /** As the host reaches it; the first is on the network that the project's services share. */
  addresses: string[];
}

/** A database in a container, as its image and its own environment describe it. */
export interface ProjectDatabase {
  addon: string;
  service: string;
  engine: string;
  version: string | null;
  /** Folders in the container where it keeps its data. */
  data: string[];
  environment: Record<string, string>;
}

export interface ReadProject {
  project: Project;
  databases: ProjectDatabase[];
  /** Patterns that a file tree leaves out, by its name. */
  ignored: Record<string, string[]>;
}

/** Why a project cannot be made on this host, or what its owner should know. */
export interface ProjectFinding {
  id: string;
  verdict: 'pass' | 'warn' | 'fail';
  detail: string;
  remedy: string | null;
}

/**
 * What Storky has made on this host for one app, by kind and name. Written down before it is made, so that a crash leaves
 * nothing unknown; what is not in it is somebody else's, and is never removed.
 */
export interface MadeParts {
  has(part: string): boolean;
  add(part: string): void;
  delete(part: string): void;
}

/** Told what happens to containers. */
export interface ContainerWatch {
  /** False while the engine is away: then nothing is told. */
  readonly listening: boolean;
  close(): Promise<void>;
}

/**
 * Runs whole projects of containers that their owner has composed. Nothing but `make` and `remove` creates or removes
 * anything, and those are for projects that Storky brought here itself.
 */
export interface ProjectRuntime {
  /** Reads, and changes nothing. @throws StorkyError unknown_project */
  read(name: string, hints: ReadHints): Promise<ReadProject>;
  /** Would it find room, names and ports here? Changes nothing. */
  check(project: Project): Promise<ProjectFinding[]>;
  /** The volume or the folder. Idempotent. @throws StorkyError name_taken_on_host where it is there, and is somebody else's */
  makeMount(mount: ProjectMount, made: MadeParts): Promise<void>;
  /** Where a mount lies on this host. */
  mountPath(mount: ProjectMount): Promise<string>;
  /**
   * Creates the containers of a service, stopped, with the networks that they are in. Idempotent.
   * @throws StorkyError name_taken_on_host
   */
  make(project: Project, service: ProjectService, made: MadeParts): Promise<void>;
  states(project: Project): Promise<ContainerState[]>;
  /** By whom it is started again later: the engine, by the policy that its owner gave it, or Storky alone. Idempotent. */
  start(service: ProjectService, again?: StartedAgain): Promise<void>;
  /** It stays stopped, also when the host is started again. Idempotent. */
  stop(service: ProjectService): Promise<void>;
  /** Told by the engine itself: a container's name, or nothing where any of them may have changed. */
  watch(told: (container?: string) => void): ContainerWatch;
  /** The variables of its container, those of the image among them, and its program with its arguments. */
  startedWith(service: ProjectService): { environment: Record<string, string>; command: string[] };
  /** The commands by which its owner looks at a container, or runs something in it. */
  commands: { logs(container: string): string; run(container: string): string };
  logs(service: ProjectService, lines: number): Promise<{ process: string; line: string }[]>;
  /** Those containers of a service that were made. Idempotent. */
  remove(service: ProjectService, made: MadeParts): Promise<void>;
  /** If it was made, with all that lies in it; a folder that was there before, empty, stays so. Idempotent. */
  removeMount(mount: ProjectMount, made: MadeParts): Promise<void>;
  /** Those networks that were made, and that nobody else uses. After everything else. Idempotent. */
  removeNetworks(project: Project, made: MadeParts): Promise<void>;
  /** How a database in a container is reached from the host, and how its own tools are run. */
  reach(service: ProjectService): Promise<{ host: string; guest: Guest }>;
  /** Images, which go from host to host by the layers that are lacking. */
  images: {
    describe(reference: string): Promise<MovedImage>;
    /** What this host lacks, with the bytes of each that have come; undefined where it is here, tags and all. */
    lacks(image: MovedImage): Promise<WantedBlobs | undefined>;
    send(image: MovedImage, wanted: WantedBlobs): Readable;
    /** @throws StorkyError copy_interrupted */
    receive(image: MovedImage, stream: Readable): Promise<void>;
    /** Gives it to the engine, and looks that it is the one that was meant. */
    load(image: MovedImage): Promise<void>;
    /** Where no container uses it. */
    remove(id: string): Promise<void>;
  };
  /** One container by its name, as its owner would. Idempotent. */
  containers: {
    start(name: string, shut?: ShutUntil): Promise<void>;
    stop(name: string): Promise<void>;
    /** The engine does both halves, also where whoever asked for it dies in between. */
    restart(name: string): Promise<void>;
    runs(name: string): Promise<boolean>;
  };
}
