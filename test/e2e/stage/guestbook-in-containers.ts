import { expect } from 'vitest';
import { guestbookImages } from '../../support/guestbook-images.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ComposeHost, type ComposeProject, port } from './compose-hosts.ts';
import { Guests } from './guestbook.ts';

const passwords = { guest: 'sec/ret+1', root: 'ro/ot+1' };

/** With what following needs, and an app that makes a trigger; both sides have the same server_id, and count in the same domain. */
export const guestbook: ComposeProject = {
  images: guestbookImages,
  composeFile: `version: "3.8"
services:
  db:
    image: mariadb:10.11
    command: ["--log-bin", "--binlog-format=ROW", "--log-bin-trust-function-creators"]
    environment:
      MARIADB_ROOT_PASSWORD: "${passwords.root}"
      MARIADB_DATABASE: guestbook
      MARIADB_USER: guest
      MARIADB_PASSWORD: "${passwords.guest}"
    volumes: ["db:/var/lib/mysql", "./branding/logo.svg:/docker-entrypoint-initdb.d/logo.svg:ro"]
    restart: unless-stopped
  web:
    image: guestbook:latest
    environment:
      DATABASE_URL: "mysql://guest:${encodeURIComponent(passwords.guest)}@db:3306/guestbook"
      HOST: 0.0.0.0
      PORT: "3000"
    ports: ["${port}:3000"]
    depends_on: [db]
    restart: always
volumes: { db: {} }
`,
};

/** Guests who come by the host's proxy, when it is open. */
export async function guestsOf(host: ComposeHost): Promise<Guests> {
  const url = await host.proxy();
  const open = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor(open, { timeout: 60_000, what: 'the guestbook' });
  const guests = new Guests({ url });
  await guests.reached(30);
  return guests;
}

export async function someMore(guests: Guests): Promise<void> {
  await guests.reached(guests.acknowledged.size + 60);
}

/** Each acknowledged line is there once, under the number that its guest was told, and was counted once. */
export async function closeTheGuestbookOn(host: ComposeHost, guests: Guests): Promise<void> {
  await guests.stop();
  expect(guests.failures).toEqual([]);
  const rows = linesOf(host, 'SELECT id, number FROM signed').map((line) => line.split('\t'));
  const there = new Map(rows.map(([id, number]) => [id, Number(number)]));
  expect([...guests.acknowledged].filter(([id, number]) => there.get(id) !== number)).toEqual([]);
  expect(linesOf(host, 'SELECT lines_on FROM pages')).toEqual([String(rows.length)]);
}

/** What is answered to the app, with the account that it was given, or to another one of the container's variables. */
export function linesOf({ run }: ComposeHost, sql: string, user: 'guest' | 'root' = 'guest'): string[] {
  const client = ['mariadb', '-h127.0.0.1', `-u${user}`, `-p${passwords[user]}`, 'guestbook', '-Ne', sql];
  const { stdout, stderr } = run('docker', 'exec', 'shop_db_1', ...client);
  return (stdout + stderr).split('\n').filter(Boolean);
}
