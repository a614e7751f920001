import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/fetch';
import { type ContractRouterClient, eventIterator, oc } from '@orpc/contract';
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { StorkyError } from './errors.ts';
import { reportErrors, unwrapErrors } from './orpc-errors.ts';

const contract = {
  find: oc.input(z.object({ app: z.string() })).output(z.string()),
  crash: oc.output(z.string()),
  watch: oc.output(eventIterator(z.number())),
};
const os = implement(contract);
const router = os.router({
  find: os.find.handler(({ input }) => {
    throw new StorkyError('unknown_app', { app: input.app, region: 'fr1' });
  }),
  crash: os.crash.handler(() => {
    throw new TypeError('x is not a function');
  }),
  watch: os.watch.handler(async function* () {
    yield 1;
    throw new StorkyError('link_lost', { region: 'fr1', peer: 'fr2', detail: 'cut' });
  }),
});

const unexpected: unknown[] = [];
let server: Server;
let url: string;
beforeAll(async () => {
  const handler = new RPCHandler(router, { clientInterceptors: [reportErrors((error) => unexpected.push(error))] });
  server = createServer((request, response) => void handler.handle(request, response, { prefix: '/rpc', context: {} }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
});
afterAll(() => server.close());

function connect(address = url): ContractRouterClient<typeof contract> {
  const unreachable = (detail: string) => new StorkyError('server_unreachable', { address, detail });
  return createORPCClient(new RPCLink({ url: address, interceptors: [unwrapErrors(unreachable)] }));
}
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as StorkyError,
  );

test('an error arrives with its code, fields, message and remedy', async () => {
  const error = await caught(connect().find({ app: 'shop' }));
  expect(error).toBeInstanceOf(StorkyError);
  expect(error).toMatchObject({ code: 'unknown_app', fields: { app: 'shop', region: 'fr1' }, http: 404, next: 'fix' });
  expect(error?.message).toBe('There is no app named shop in fr1.');
});

test('a defect arrives as internal and is seen by the server with its stack', async () => {
  expect(await caught(connect().crash())).toMatchObject({
    code: 'internal',
    fields: { detail: 'x is not a function' },
  });
  expect(unexpected.at(-1)).toBeInstanceOf(TypeError);
});

test('input that is not valid names its field', async () => {
  const error = await caught(connect().find({ app: 7 as unknown as string }));
  expect(error).toMatchObject({ code: 'bad_request', fields: { field: 'app' } });
});

test('a stream of events that fails midway throws the same error', async () => {
  const seen: number[] = [];
  const read = async () => {
    for await (const n of await connect().watch()) seen.push(n);
  };
  expect(await caught(read())).toMatchObject({ code: 'link_lost', fields: { peer: 'fr2' } });
  expect(seen).toEqual([1]);
});

test('nobody there is an error that says where it looked and why', async () => {
  const error = await caught(connect('http://127.0.0.1:1/rpc').crash());
  expect(error).toMatchObject({ code: 'server_unreachable', next: 'retry' });
  expect(error?.fields.detail).toMatch(/ECONNREFUSED|bad port/);
});
