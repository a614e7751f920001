import type { Duplex } from 'node:stream';
import type { Finding, SourceStore, TargetStore, WayBack } from '../store.ts';

export interface Plan {
  name: string;
  memoryMb: number;
  maxConnections: number;
}

/** What the agent remembers of one provisioned database. Durable in the app's document; holds secrets; never leaves the agent. */
export interface DatabaseInstance {
  app: string;
  addon: string;
  engine: string;
  version: string;
  plan: string;
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** Storky's own account, exempt from the fence. */
  adminUser: string;
  adminPassword: string;
  /** Folder that the engine owns: data, sockets, logs. */
  folder: string;
  external?: External;
  guest?: Guest;
}

/** Of a database that Storky does not run: it is never started, stopped or destroyed. */
export interface External {
  /** What its address says beside host, names and password, such as how it is encrypted; the engine's own words. */
  parameters: Record<string, string>;
  /** What was there before a move filled it, in the engine's own words: with it, the database is given back as it was. */
  before?: Record<string, unknown>;
}

/** Of a database in a container that belongs to the app: who starts, stops and removes it is the containers' runtime. */
export interface Guest {
  /** The command that runs another one in a container; its options and the container's name follow. */
  exec: string[];
  container: string;
  /** The host's address, as the server reaches it. */
  gateway: string;
  /** What Storky changes in it, the seal included, ends with each start of its container: see `GuestSupport.again`. */
  forgets?: true;
}

/** A server in a container that runs. */
export interface GuestOrder extends Pick<DatabaseInstance, 'app' | 'addon' | 'folder' | 'host'> {
  guest: Guest;
  /** The container's own variables: from them the server got its first account. */
  environment: Record<string, string>;
  /** The program that it runs, and its arguments, as the engine of containers was told them. */
  command: string[];
}

export interface GuestSupport {
  /** Logs in by what the container's variables say. Changes nothing. @throws StorkyError engine_refused, unsupported */
  describe(order: GuestOrder): Promise<DatabaseInstance>;
  /** With an account of Storky's own in it, which a move needs. Idempotent. */
  welcome(instance: DatabaseInstance): Promise<DatabaseInstance>;
  /** Takes that account away. The database is the app's again, and nobody else's. Idempotent. */
  dismiss(instance: DatabaseInstance): Promise<DatabaseInstance>;
  /**
   * Of a server that forgets: resolves when it answers, and all that was Storky's in it is there as before. Asked for at
   * each start of its container, at once. Idempotent.
   */
  again?(instance: DatabaseInstance): Promise<void>;
}

/** An address for the target's side of a move. */
export interface Offer {
  addon: string;
  address: string;
  /** Of the source, where it is known: an older one cannot take its dump. */
  version: string | null;
}

/** A database that is there, at its administrator's address, with the account that the app has there. */
export interface AdoptOrder {
  app: string;
  addon: string;
  address: string;
  user: string;
  password: string;
  /** For what belongs to no server: a schema on its way, a certificate. */
  folder: string;
}

export interface ProvisionOrder {
  app: string;
  addon: string;
  plan: string;
  /** Major version. */
  version: string;
  /** Names and password that the app knows; kept on the target so that nothing in the app changes. */
  database: string;
  user: string;
  password: string;
  folder: string;
  /** The administrator's, of a database that Storky does not run. */
  address?: string;
  /** It is empty, and a move fills it. */
  take?: boolean;
}

/** A server in a container, and the folders there in which it keeps its data. */
export interface Recognised {
  version: string | null;
  data: string[];
}

/** What a container says of itself before anybody has asked its server. */
export interface ContainerImage {
  reference: string;
  /** The image's own variables and the container's. */
  environment: Record<string, string>;
}

export interface Capabilities {
  live: boolean;
  backup: boolean;
  transactional: boolean;
  /** May the target be of a newer major version than the source? */
  upgrades: boolean;
}

/** The server's setting without which nothing can be followed live, and which holds from the next start on. */
export interface FollowingSetting {
  /** Changes it, where it is not so already and the account may. `provider`: only who runs the server can. */
  allow(instance: DatabaseInstance): Promise<'holds' | 'after-restart' | 'provider'>;
  /** Resolves when the server goes away, which is known at once. */
  gone(instance: DatabaseInstance, signal: AbortSignal): Promise<void>;
}

/** One engine: a folder with this object as `engine.ts`. Nothing outside the folder names the engine. */
export interface DatabaseEngine {
  readonly engine: string;
  readonly capabilities: Capabilities;
  /** Is this container a server of this engine? The version where it says it. */
  recognise?(image: ContainerImage): Recognised | undefined;
  /** Installed here, oldest first, e.g. ['15', '17']. */
  versions(): Promise<string[]>;
  plans(): Plan[];
  /** Creates and starts it. Idempotent: an instance in the folder is taken over. */
  provision(order: ProvisionOrder): Promise<DatabaseInstance>;
  /** Looks whether it is there and both accounts can log in. Changes nothing. @throws StorkyError bad_request, engine_refused */
  adopt?(order: AdoptOrder): Promise<DatabaseInstance>;
  /** May a move fill the database at this address? Each finding with what is to be done. Changes nothing. */
  checkOffer?(offer: Offer): Promise<Finding[]>;
  /** What the database at this address, or its account, lacks to follow a source live. Without it, nothing follows into one. Changes nothing. */
  checkFollower?(offer: Offer): Promise<Finding[]>;
  /** An empty one, for a move to fill: with the app's account, made where it is not there. Idempotent. */
  take?(order: AdoptOrder): Promise<DatabaseInstance>;
  /** Takes away what `take` made and what came by the move, and no more. Idempotent. */
  giveBack?(instance: DatabaseInstance): Promise<void>;
  /**
   * One connection to an external database, past its greeting where it is encrypted: what comes through speaks plainly, and
   * crosses inside the link between the agents.
   */
  dial?(instance: DatabaseInstance): Promise<Duplex>;
  following?: FollowingSetting;
  /** Where a server in a container of the app's can be moved. */
  guest?: GuestSupport;
  /** Starts it where it does not run, waits until it accepts connections. It outlives the agent. Idempotent. */
  start(instance: DatabaseInstance): Promise<void>;
  stop(instance: DatabaseInstance): Promise<void>;
  running(instance: DatabaseInstance): Promise<boolean>;
  /** Stops it and removes its folder. Target and explicit deletion only. */
  destroy(instance: DatabaseInstance): Promise<void>;
  /** The address that the app gets as `${addons.NAME.url}`, and its parts as `${addons.NAME.host}` … */
  environment(instance: DatabaseInstance): Record<string, string>;
  source(instance: DatabaseInstance): SourceStore;
  target(instance: DatabaseInstance): TargetStore;
  wayBack(instance: DatabaseInstance): WayBack;
}
