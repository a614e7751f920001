import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The shop's manifest says that its database is there already; both secrets stand in files beside it. */
export const withDatabaseAt =
  ({ address, user, password }: { address: string; user: string; password: string }) =>
  (folder: string): void => {
    writeFileSync(join(folder, 'address'), `${address}\n`);
    writeFileSync(join(folder, 'password'), password);
    const addon = `{ name: db, engine: postgresql, address: { file: address }, user: ${JSON.stringify(user)}, password: { file: password } }`;
    const manifest = join(folder, 'storky.yaml');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/\{ name: db,.*\}/, addon));
  };
