import * as fs from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import type { Entry } from './entry.ts';
import type { Message } from './messages.ts';
import { Rooted } from './rooted.ts';
import { picture, Rig } from './test-rig.ts';
import { Wire } from './wire.ts';

const migration = '6f0bd6e1-9b13-4c8e-a9a3-0d9d7f1c2b11';
const entry = (path: string, kind: Entry['kind'], more: Partial<Entry> = {}): Entry => ({
  path,
  kind,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: '1000000000',
  size: 0,
  sig: 's',
  ...more,
});

/** A source that lies: it says these changes on the follow stream. */
async function hostile(
  changes: Message[],
): Promise<{ server: ReturnType<typeof createServer>; open: () => Promise<Socket> }> {
  const server = createServer(async (socket) => {
    const wire = new Wire(socket);
    await wire.read().next();
    for (const change of changes) await wire.send(change).catch(() => {});
    await wire.send({ t: 'batch', n: 1 }).catch(() => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, open: async () => connect(port, '127.0.0.1') };
}

const attacks: [string, Message[]][] = [
  ['a path with ..', [{ t: 'put', entry: entry('../evil', 'dir'), base: null }]],
  ['an absolute path', [{ t: 'put', entry: entry('/tmp/evil', 'dir'), base: null }]],
  ['.. in the middle', [{ t: 'put', entry: entry('a/../../evil', 'link', { link: 'x' }), base: null }]],
  ['deleting outside', [{ t: 'gone', path: '../outside' }]],
  [
    'a file through its own symlink',
    [
      { t: 'put', entry: entry('way', 'link', { link: '../outside' }), base: null },
      { t: 'put', entry: entry('way/evil', 'dir'), base: null },
    ],
  ],
  [
    'deleting through its own symlink',
    [
      { t: 'put', entry: entry('way', 'link', { link: '../outside' }), base: null },
      { t: 'gone', path: 'way/precious' },
    ],
  ],
];

test.each(attacks)('the target writes nothing outside of its root: %s', async (_, changes) => {
  await using rig = await Rig.start();
  const outside = join(rig.base, 'outside');
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, 'precious'), 'x');
  const before = picture(outside);
  const { server, open } = await hostile(changes);
  const stop = new AbortController();
  const following = rig.target
    .follow(migration, {}, { host: '', port: 0, openStream: open }, stop.signal)
    .catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  stop.abort(new Error('enough'));
  await following;
  server.close();
  expect(picture(outside)).toEqual(before);
  expect(fs.existsSync(join(rig.base, 'evil'))).toBe(false);
  expect(fs.existsSync('/tmp/evil')).toBe(false);
});

test('the source reads nothing outside of its root', async () => {
  await using rig = await Rig.start({ ignore: ['secret'] });
  fs.writeFileSync(join(rig.base, 'outside'), 'x');
  fs.writeFileSync(join(rig.from, 'secret'), 'x');
  fs.symlinkSync('..', join(rig.from, 'up'));
  await rig.source.open(migration);
  const ask = async (path: string): Promise<Message['t'][]> => {
    const [here, there] = duplexPair();
    const served = rig.source.serve!(there, migration);
    const wire = new Wire(here);
    await wire.send({ t: 'hello', want: 'fetch', version: 1 });
    await wire.send({ t: 'fetch', wanted: [{ path }] });
    const answers: Message['t'][] = [];
    try {
      for await (const message of wire.read()) {
        answers.push(message.t as Message['t']);
        if (message.t === 'done') break;
      }
    } catch {} // closed on us
    wire.close();
    await served;
    return answers;
  };
  expect(await ask('../outside')).toEqual([]);
  expect(await ask('secret')).toEqual([]);
  expect(await ask('up/outside')).toEqual(['gone', 'done']);
  expect(await ask('up')).toEqual(['put', 'done']);
});

test('a directory that is replaced by a symlink under our feet leads nowhere', async () => {
  await using rig = await Rig.start();
  fs.mkdirSync(join(rig.from, 'd'));
  const tree = new Rooted(rig.from);
  const write = () => tree.at('d/file', (at) => fs.writeFileSync(at, 'x'));
  write();
  fs.renameSync(join(rig.from, 'd'), join(rig.from, 'd-away'));
  fs.symlinkSync(rig.base, join(rig.from, 'd'));
  expect(write).toThrow('ENOTDIR');
});
