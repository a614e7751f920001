import type { ContainerWatch, ProjectRuntime } from '../../../drivers/runtime/projects.ts';
import type { AppStore } from '../app-store.ts';

/** Whatever the engine tells: once in so many milliseconds a project is looked at. */
const atLeastEveryMs = 60_000;

/**
 * Which projects are to be looked at: those of which the engine has told something since, and all of them at times, or where
 * it tells nothing. It is listened to as soon as there is a project.
 */
export class DueLooks {
  readonly #store: AppStore;
  readonly #runtime: Pick<ProjectRuntime, 'watch'>;
  readonly #seen = new Map<string, number>();
  #watch: ContainerWatch | undefined;

  constructor(store: AppStore, runtime: Pick<ProjectRuntime, 'watch'>) {
    this.#store = store;
    this.#runtime = runtime;
  }

  /** A look that fails is due again. */
  async ifDue(app: string, look: () => Promise<void>): Promise<void> {
    this.#watch ??= this.#runtime.watch((container) => this.#changed(container));
    const now = performance.now();
    if (this.#watch.listening && now - (this.#seen.get(app) ?? Number.NEGATIVE_INFINITY) < atLeastEveryMs) return;
    // Before the look: what is told meanwhile asks for another one.
    this.#seen.set(app, now);
    try {
      await look();
    } catch (error) {
      this.#seen.delete(app);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#watch?.close();
  }

  #changed(container?: string): void {
    for (const app of this.#seen.keys())
      if (container === undefined || this.#containersOf(app).includes(container)) this.#seen.delete(app);
  }

  #containersOf(app: string): string[] {
    const services = this.#store.find(app)?.record.project?.services ?? [];
    return services.flatMap(({ containers }) => containers.map(({ name }) => name));
  }
}
