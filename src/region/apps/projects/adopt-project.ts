import type { Turns } from '../../../base/turns.ts';
import { ReadHints } from '../../../protocol/discovery.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { ProxyPlace } from '../../../protocol/proxy.ts';
import type { AppDocument, Front } from '../app-document.ts';
import type { AppParts } from '../app-parts.ts';
import { checkHosts, refuseLocked } from '../check-record.ts';
import type { ReadRecord } from './record-of.ts';

export interface AdoptOrder {
  project: string;
  /** Its name as an app, where the project's own is not to be it. */
  app?: string | undefined;
  hints?: ReadHints | undefined;
  /** In front of it, and to be told of the gate. */
  proxy?: ProxyPlace | undefined;
}

/** The project as an app of this region, served by it; its containers go on as they are. Answers the app's name. */
export async function adoptProject(
  parts: AppParts,
  turns: Turns,
  { project, app, hints, proxy }: AdoptOrder,
): Promise<string> {
  const told = ReadHints.parse(hints ?? {});
  const read = await parts.projects.read(project, app, told);
  const { name } = read.record;
  const front = proxy ? await parts.projects.front(read.record, proxy) : null;
  await turns.take(name, async () => {
    const known = parts.store.find(name);
    if (known) refuseOther(known, project, parts.region);
    checkHosts(read.record, parts.store, parts.domain);
    const how = (draft: AppDocument) => void Object.assign(draft, adopted(read, told, front));
    if (known) parts.store.change(name, how);
    else parts.store.create(read.record, { epoch: 0, role: 'active', migration: null, peer: null, at: now() }, how);
    await parts.gates.show(name);
  });
  return name;
}

const adopted = (
  { record, instances, places }: ReadRecord,
  hints: ReadHints,
  front: Front | null,
): Partial<AppDocument> => ({
  life: 'created',
  record,
  instances,
  places,
  hints,
  front,
});

const now = () => new Date().toISOString();

/** Adopted again, a project is read anew; an app of another kind, or one that has moved, is not written over. */
function refuseOther(known: Readonly<AppDocument>, project: string, region: string): void {
  refuseLocked(known);
  const { record, made, forward } = known;
  if (record.project?.name === project && !made && forward === null) return;
  throw new StorkyError('app_exists', { app: record.name, region });
}
