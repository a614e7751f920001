import type { CheckResult } from '../../protocol/migration.ts';
import type { SourceHome } from '../home.ts';

/** What a project of containers has and a move cannot carry. */
export function staysBehind(home: SourceHome, app: string): CheckResult[] {
  const { project } = home.record(app);
  if (!project) return [];
  const base = { id: 'stays-behind', name: 'Everything of the project can be moved' };
  if (project.notMoved.length === 0) return [{ ...base, verdict: 'pass', detail: 'it can', remedy: null }];
  const remedy = 'Carry these by hand where the app needs them over there.';
  return [{ ...base, verdict: 'warn', detail: project.notMoved.join('; '), remedy }];
}
