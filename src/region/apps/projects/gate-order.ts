import { type GateEntry, type GateOrder, GateOrder as Order, type Way } from '../../../drivers/gate/contract.ts';
import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { ProjectEntry, ProjectService } from '../../../protocol/app-record/project.ts';
import type { EntryPort } from '../../../protocol/gate.ts';
import type { AppDocument } from '../app-document.ts';

/** What is turned to the router comes to the address of the bridge, of the host or of loopback. */
const everywhere = '::';

type Of = Pick<AppDocument, 'record' | 'gatePorts' | 'front'>;

/** The router's ports for the app's visitors, each with the containers that answer there now. */
export const entriesOf = (document: Of, states: ContainerState[]): EntryPort[] =>
  entries(document).map(({ service, entry, port }) => ({
    name: entry.name,
    protocol: entry.protocol,
    host: everywhere,
    port,
    upstreams: answering(states, service).map((address) => `${address}:${entry.containerPort}`),
  }));

/** Who answers for the app where its host name is all that is known. */
export function webOf({ record }: Pick<Of, 'record'>, states: ContainerState[]): string[] {
  for (const service of record.project!.services)
    for (const { protocol, containerPort } of service.entries)
      if (protocol === 'http') return answering(states, service).map((address) => `${address}:${containerPort}`);
  return [];
}

/** Undefined where nobody comes to the app. */
export function orderOf(document: Of, states: ContainerState[], folder: string): GateOrder | undefined {
  const all = entries(document).map(
    ({ service, entry, port }): GateEntry => ({
      name: entry.name,
      routerPort: port,
      ways: ways(service, entry, states),
    }),
  );
  const { record, gatePorts, front } = document;
  const router = front && gatePorts[front.entry];
  const proxy = router ? { place: front.place, upstreams: front.upstreams, router: `127.0.0.1:${router}` } : undefined;
  return all.length > 0 ? Order.parse({ app: record.name, entries: all, proxy, folder }) : undefined;
}

/** As the host publishes it, and as other containers, a proxy in front for example, come to it. */
export function ways(
  service: ProjectService,
  { containerPort, published }: ProjectEntry,
  states: ContainerState[],
): Way[] {
  return [
    ...published.map(({ address, port }): Way => ({ kind: 'published', address: address || null, port })),
    ...states
      .filter((state) => state.service === service.name)
      .flatMap(({ addresses }) => addresses)
      .sort()
      .map((address): Way => ({ kind: 'container', address, port: containerPort })),
  ];
}

const answering = (states: ContainerState[], service: ProjectService): string[] =>
  states
    .filter((state) => state.service === service.name && state.running)
    .flatMap(({ addresses }) => addresses.slice(0, 1));

function entries({ record, gatePorts }: Of) {
  return record.project!.services.flatMap((service) =>
    service.entries.flatMap((entry) => {
      const port = gatePorts[entry.name];
      return port === undefined ? [] : [{ service, entry, port }];
    }),
  );
}
