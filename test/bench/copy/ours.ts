import { randomUUID } from 'node:crypto';
import { keepHeapSmall } from '../../../src/base/heap.ts';
import type { DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { databaseEngines } from '../../../src/drivers/registry.ts';
import { serve } from '../child.ts';

keepHeapSmall();

/** The part of an agent that copies, in a process of its own, so that its memory is nobody else's. */
const api = {
  /** An agent has done so long before. */
  async load(): Promise<void> {
    await databaseEngines();
  },
  async copy(source: DatabaseInstance, target: DatabaseInstance): Promise<{ seconds: number; peakMb: number }> {
    const engine = (await databaseEngines()).find((known) => known.engine === source.engine)!;
    const migration = randomUUID();
    const began = performance.now();
    await using from = engine.source(source);
    await using to = engine.target(target);
    const unused = () => Promise.reject(new Error('not needed'));
    const endpoint = { host: source.host, port: source.port, openStream: unused };
    const { ticket } = await from.open(migration);
    await to.copy(migration, ticket, endpoint, () => {}, new AbortController().signal);
    const seconds = (performance.now() - began) / 1000;
    await from.close(migration);
    return { seconds, peakMb: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6) };
  },
};

export type Ours = typeof api;
serve(api);
