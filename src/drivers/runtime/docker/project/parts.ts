import { readdirSync } from 'node:fs';

/** What is made on a host, as it is written down. */
export const partOf = {
  container: (name: string) => `container ${name}`,
  network: (name: string) => `network ${name}`,
  volume: (name: string) => `volume ${name}`,
  folder: (path: string) => `folder ${path}`,
  /** Of a folder that was there before, and empty. */
  contents: (path: string) => `contents of ${path}`,
};

export function holdsSomething(path: string): boolean {
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}
