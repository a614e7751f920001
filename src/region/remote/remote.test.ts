import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { AppRecord } from '../../protocol/app-record/record.ts';
import type { LinkHello } from '../../protocol/link.ts';
import { AppStore } from '../apps/app-store.ts';
import { noWay, RemoteAddons } from '../apps/remote-addons.ts';
import type { SourceHome } from '../home.ts';
import { TestAuthority } from '../link/authority.test-support.ts';
import { LinkClient } from '../link/link-client.ts';
import { listenAs } from '../link/two-regions.test-support.ts';
import { authoriseBy } from '../migrations/grants.ts';
import { MigrationRecords } from '../migrations/records.ts';
import { Lending } from './lending.ts';
import { wayThrough } from './way.ts';

const migration = randomUUID();
const names = { database: 'shop_db', user: 'shop', password: 'secret' };
const addon = { name: 'db', engine: 'any', plan: 'small', version: '1' };

/** West has the database, which says back what it hears, and lends it to the shop of east. No migration runs any more. */
async function lent() {
  const database = await listening(createServer((socket) => void socket.on('error', () => {}).pipe(socket)));
  const authority = await TestAuthority.create();
  const here = new RemoteAddons(storeWithShop(), noWay);
  const instance = { host: '127.0.0.1', port: portOf(database) };
  const home = {
    loans: (app: string) => here.loans(app),
    changeLoans: (app: string, change: Parameters<SourceHome['changeLoans']>[1]) => here.changeLoans(app, change),
    database: async () => ({ instance }),
  } as unknown as SourceHome;
  const lending = new Lending(home, 'west');
  await lending.lend({ app: 'shop', migration, store: 'db' }, { region: 'east', app: 'shop' });
  const authorise = authoriseBy(new MigrationRecords(tempFolder('west')), 'west', (peer, hello) =>
    lending.isLent(peer, hello),
  );
  const west = await listenAs('west', authority, lending.handlers(), { authorise });
  onTestFinished(() => west.listener.close());
  const linkOf = async (region: string) => new LinkClient(await authority.issue(region));
  return { lending, here, linkOf, address: west.address };
}

async function used() {
  const world = await lent();
  const way = wayThrough(await world.linkOf('east'));
  const store = storeWithShop();
  const start = () => {
    const remotes = new RemoteAddons(store, way);
    onTestFinished(() => remotes.close());
    return remotes;
  };
  const remotes = start();
  const { name, engine, plan, version } = addon;
  const wanted = { addon: name, engine, plan, version, ...names, peer: world.address, peerApp: 'shop', migration };
  await remotes.use('shop', addon, wanted);
  return { ...world, remotes, start, wanted, port: remotes.of('shop')[0]!.port };
}

test('the app reaches it, and again under the same port when its agent was started anew', async () => {
  const { remotes, start, port } = await used();
  expect(await said(port, 'hello')).toBe('hello');
  await remotes.close();
  await expect(said(port, 'hello')).rejects.toThrow('ECONNREFUSED');
  await start().open();
  expect(await said(port, 'hello again')).toBe('hello again');
});

test('a port that somebody else has meanwhile is waited for: the app knows no other', async () => {
  const { remotes, start, port } = await used();
  await remotes.close();
  const squatter = await listening(
    createServer((socket) => socket.destroy()),
    port,
  );
  await start().open();
  squatter.close();
  await expect.poll(() => said(port, 'hello').catch(String), { timeout: 5_000 }).toBe('hello');
});

test('a loan is for one addon, one region and one migration, and for nothing else that a link can ask for', async () => {
  const { linkOf, address } = await lent();
  const [east, north] = [await linkOf('east'), await linkOf('north')];
  const loan: LinkHello = { kind: 'loan', migration, app: 'shop', store: 'db' };
  (await east.open(address, loan)).destroy();
  const refused = async (link: LinkClient, hello: LinkHello) =>
    await expect(link.open(address, hello), JSON.stringify(hello)).rejects.toMatchObject({ code: 'not_granted' });
  await refused(north, loan);
  await refused(north, { ...loan, kind: 'give-back' });
  await refused(east, { ...loan, store: 'other' });
  await refused(east, { ...loan, app: 'blog' });
  await refused(east, { ...loan, migration: randomUUID() });
  await refused(east, { ...loan, kind: 'tunnel' });
  await refused(east, { kind: 'stores', migration, app: 'shop' });
});

test('when the loan ends, what passes over it is cut, and nothing comes through any more', async () => {
  const { lending, here, port } = await used();
  const socket = connect(port, '127.0.0.1');
  socket.write('hello');
  await once(socket, 'data');
  const cut = once(socket, 'error');
  lending.end('shop', migration);
  expect(await cut).toMatchObject([{ code: 'ECONNRESET' }]);
  await expect(said(port, 'hello')).rejects.toThrow();
  expect(here.loans('shop')).toEqual([]);
});

test('an app that goes gives back what it was lent; a region that is away does not keep it from going', async () => {
  const { remotes, here } = await used();
  await remotes.giveBackAll('shop');
  expect(here.loans('shop')).toEqual([]);
  expect(remotes.of('shop')).toEqual([]);

  const other = await used();
  const gone = { ...other.wanted, peer: { ...other.address, port: 1 } };
  await expect(other.remotes.use('shop', addon, gone)).rejects.toMatchObject({ code: 'region_unreachable' });
  await other.remotes.giveBackAll('shop');
  expect(other.remotes.of('shop')).toEqual([]);
});

function storeWithShop(): AppStore {
  const store = new AppStore(tempFolder('region'), 'osc-fr1');
  store.create(AppRecord.parse({ name: 'shop' }), {
    ...{ epoch: 0, role: 'active', migration: null, peer: null, at: new Date().toISOString() },
  } as const);
  return store;
}

async function listening(server: Server, port = 0): Promise<Server> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function said(port: number, words: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(words);
  return await text(socket);
}
