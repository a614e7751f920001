import type { DatabaseInstance } from '../../contract.ts';
import { mariadbProduct } from './product-mariadb.ts';
import { mysqlProduct } from './product-mysql.ts';

export type Tool = 'server' | 'install' | 'client' | 'dump';
export type Settings = Record<string, string | number>;

/** What is needed to run a server of one kind: its programs, and how they are told things. */
export interface Product {
  engine: string;
  /** Names of the programs. */
  tools: Record<Tool, string>;
  /** Further places to look for them: a variable with parents of `bin`. */
  placesVariable: string;
  /** Of what the server's program says of itself: the series, e.g. `10.11`, if Storky can run it. */
  seriesOf(version: string): string | undefined;
  /** Arguments that make an empty data folder. */
  install(dataFolder: string, temporaryFolder: string): string[];
  /** Accounts that an empty server comes with: nobody knows of them, and they may do anything. */
  dropFirstAccounts: string[];
  section: string;
  /** In addition to the settings that all servers have. */
  settings(instance: DatabaseInstance, identity: { serverId: number; domainId: number }, memoryMb: number): Settings;
  login: string[];
  dump: string[];
  /** Checks that a session of the client turns off. */
  unchecked: string[];
  /** Whether the server keeps its streams in files, and would go on with them when it starts. */
  startsStreams: boolean;
}

const products: Product[] = [mariadbProduct, mysqlProduct];

export function productOf(engine: string | undefined): Product {
  const found = products.find((product) => product.engine === engine);
  if (!found) throw new Error(`no server of ${engine} can be run by this engine`);
  return found;
}
