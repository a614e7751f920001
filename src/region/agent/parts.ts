import type { Readable } from 'node:stream';
import type { DatabaseEngine } from '../../drivers/database/contract.ts';
import type { LinkHello } from '../../protocol/link.ts';
import type { RegionAddress, RegionInfo } from '../../protocol/region-contract.ts';
import type { LinkHandlers } from '../link/handlers.ts';
import type { LinkClient } from '../link/link-client.ts';
import type { Identity } from '../link/tls.ts';
import type { RegionAnswers } from './answers.ts';

/** What the agent's shell gives to what lives in it. */
export interface RegionContext {
  region: string;
  dataFolder: string;
  /** As other regions reach this one. */
  address: RegionAddress;
  identity: Identity;
  /** Host names of this region end in it. */
  domain: string;
  publicHttpPort: number;
  /** The router's control socket; a router answers there while the parts live, apart from its own restarts. */
  routerSocket: string;
  link: LinkClient;
  /** How many stores are copied here at once. */
  copies: number;
  /** Of Docker on this host; the usual one where it is not said. */
  dockerSocket?: string | undefined;
  engines(): Promise<DatabaseEngine[]>;
  info(): Promise<RegionInfo>;
}

/** What lives in the agent: the region contract but `info`, and what other regions may ask over the link. */
export interface RegionParts {
  answers: Omit<RegionAnswers, 'info'>;
  authorise(peer: string, hello: LinkHello): void;
  handlers: LinkHandlers;
  receiveBuild(sha256: string, archive: Readable): Promise<void>;
  /** Takes up what an earlier agent left: apps, gates, running migrations. Calls arrive only when it has returned. */
  start(): Promise<void>;
  /** Ends this agent's own connections and watchers. Apps and databases go on, unless everything stops. */
  stop(options: { everything: boolean }): Promise<void>;
}

export type AssembleParts = (context: RegionContext) => Promise<RegionParts> | RegionParts;
