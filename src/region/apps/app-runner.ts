import type { EntryPort } from '../../protocol/gate.ts';
import type { ProcessView } from '../../protocol/region-contract.ts';
import type { AppStore } from './app-store.ts';
import type { Surroundings } from './formation.ts';

/** Brings what runs of an app into line with what is written: the document says what should run, the epoch whether it may. */
export interface AppRunner {
  /** Finds what an earlier agent left running; nothing is started yet. */
  takeOver(app: string): Promise<void>;
  /** @throws StorkyError target_unhealthy when new web processes do not come up */
  become(app: string): Promise<void>;
  /** Ends every process of the app, and writes nothing down: the next start of the agent brings them up again. */
  stop(app: string): Promise<void>;
  /** Resolves when every web process is healthy. @throws StorkyError target_unhealthy */
  webReady(app: string): Promise<void>;
  upstreams(app: string): string[];
  /** Ports of its own in the router, for an app whose visitors are turned there. */
  entries(app: string): EntryPort[];
  views(app: string): Promise<ProcessView[]>;
  /** What a command of the app runs in. @throws StorkyError unsupported */
  surroundings(app: string): Promise<Surroundings>;
  /** Everything stopped before; forgets the app. */
  forget(app: string): Promise<void>;
  release(): Promise<void>;
}

/** Each app by the runner of its kind: a project of containers, or processes of a release. */
export function runnerOf(store: AppStore, processes: AppRunner, projects: AppRunner): AppRunner {
  const of = (app: string) => (store.find(app)?.record.project ? projects : processes);
  return {
    takeOver: (app) => of(app).takeOver(app),
    become: (app) => of(app).become(app),
    stop: (app) => of(app).stop(app),
    webReady: (app) => of(app).webReady(app),
    upstreams: (app) => of(app).upstreams(app),
    entries: (app) => of(app).entries(app),
    views: (app) => of(app).views(app),
    surroundings: (app) => of(app).surroundings(app),
    forget: (app) => of(app).forget(app),
    release: async () => void (await Promise.all([processes.release(), projects.release()])),
  };
}
