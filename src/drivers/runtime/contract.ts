/**
 * What an app's processes run on. A process outlives the agent that started it: whatever is needed to find it again is in
 * its handle, which is plain JSON. The local runtime spawns on this host; a container engine fits the same four verbs.
 */

/** Plain JSON, kept by the caller; only the runtime that made it reads it. */
export type ProcessHandle = { runtime: string; [key: string]: string | number };

export interface ProcessSpec {
  /** Unique for each start, safe as a file or container name. */
  run: string;
  command: string;
  /** Folder of the release. */
  folder: string;
  /** Everything the process gets, apart from what every process has (PATH, HOME, LANG, TZ). */
  environment: Record<string, string>;
  /** Standard output and error are appended here without the agent in between, so that it may die. */
  logFile: string;
}

export interface Exit {
  /** Null where it is not known: the process was adopted. */
  code: number | null;
  signal: string | null;
}

export interface RunningProcess {
  readonly handle: ProcessHandle;
  readonly pid: number | null;
  /** Resolves when the process itself has ended; its children may linger until `stop`. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Stops watching; the process goes on. */
  release(): void;
}

export interface Runtime {
  readonly name: string;
  /**
   * `remember` is called with the handle, and must have made it durable when it returns, before the command does anything:
   * a caller killed at any moment finds either a handle of the process, or no process.
   */
  start(spec: ProcessSpec, remember: (handle: ProcessHandle) => void): Promise<RunningProcess>;
  /** Watches a process that an earlier agent started; undefined when it is gone (a reused pid counts as gone). */
  adopt(handle: ProcessHandle): Promise<RunningProcess | undefined>;
  alive(handle: ProcessHandle): Promise<boolean>;
  /** Asks it and its children to end, insists after `timeoutMs`, returns when nothing of it is left. Idempotent. */
  stop(handle: ProcessHandle, timeoutMs: number): Promise<void>;
}
