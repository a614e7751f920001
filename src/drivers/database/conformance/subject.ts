import type { SourceEndpoint } from '../../store.ts';
import type { DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../contract.ts';

/** What the suite needs to know of an engine beside its contract: how an app talks to it. */
export interface Subject {
  engine: DatabaseEngine;
  names: Pick<ProvisionOrder, 'plan' | 'database' | 'user' | 'password'>;
  /** As the app, with a place for items: a table, or nothing at all. Made on a source before it is opened. */
  prepare(instance: DatabaseInstance): Promise<void>;
  connect(instance: DatabaseInstance): Promise<Items>;
  /** Changes one item of the copy as a defect would: the stream knows nothing of it. */
  corrupt(instance: DatabaseInstance, id: number, value: string): Promise<void>;
  /** The way to the source, where it is not a port. */
  endpoint?(instance: DatabaseInstance): SourceEndpoint;
}

/** One connection of the app. */
export interface Items {
  /** Resolves when the database has acknowledged it. */
  write(id: number, value: string): Promise<void>;
  read(id: number): Promise<string | undefined>;
  ids(): Promise<number[]>;
  close(): Promise<void>;
}
