import type { ProjectService } from '../../../protocol/app-record/project.ts';

/** What others depend on comes first; of a circle, in the order given. */
export function startOrder(services: readonly ProjectService[]): ProjectService[] {
  const left = [...services].sort((a, b) => Number(b.role === 'database') - Number(a.role === 'database'));
  const ordered: ProjectService[] = [];
  while (left.length > 0) {
    const waits = ({ dependsOn }: ProjectService) => left.some(({ name }) => dependsOn.includes(name));
    const at = left.findIndex((service) => !waits(service));
    ordered.push(...left.splice(Math.max(at, 0), 1));
  }
  return ordered;
}
