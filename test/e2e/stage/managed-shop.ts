import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface DatabaseThere {
  address: string;
  user: string;
  password: string;
  engine?: string;
}

/** An app's manifest says that its database is there already; both secrets stand in files beside it. */
export const withDatabaseAt =
  ({ address, user, password, engine = 'postgresql' }: DatabaseThere) =>
  (folder: string): void => {
    writeFileSync(join(folder, 'address'), `${address}\n`);
    writeFileSync(join(folder, 'password'), password);
    const addon = `{ name: db, engine: ${engine}, address: { file: address }, user: ${JSON.stringify(user)}, password: { file: password } }`;
    const manifest = join(folder, 'storky.yaml');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/\{ name: db,.*\}/, addon));
  };
