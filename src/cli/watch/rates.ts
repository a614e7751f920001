import type { MigrationStep } from '../../protocol/migration.ts';

const windowMs = 10_000;

/** How fast each running step has been over the last seconds, from the moments at which its progress was seen. */
export class Rates {
  readonly #seen = new Map<string, { at: number; done: number }[]>();

  observe(steps: MigrationStep[], at: number): void {
    for (const { id, status, progress } of steps) {
      if (status !== 'running' || !progress) {
        this.#seen.delete(id);
        continue;
      }
      const seen = this.#seen.get(id) ?? [];
      if (seen.at(-1)?.done === progress.done) continue;
      const recent = seen.filter((sample) => at - sample.at < windowMs);
      this.#seen.set(id, [...recent, { at, done: progress.done }]);
    }
  }

  /** In the progress's unit each second; undefined until it is known. */
  of(stepId: string): number | undefined {
    const seen = this.#seen.get(stepId);
    const [first, last] = [seen?.[0], seen?.at(-1)];
    if (!first || !last || last.at - first.at < 500 || last.done <= first.done) return undefined;
    return ((last.done - first.done) / (last.at - first.at)) * 1000;
  }
}
