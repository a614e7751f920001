import { z } from 'zod';
import type { RunningServer } from '../../control/server.ts';
import { defineCommand, flag, spec } from '../command.ts';
import { authorityWith } from '../connection/certificate.ts';
import { rememberServer } from '../connection/config.ts';
import { type Context, say } from '../context.ts';
import { dataFolder } from '../hosting/folders.ts';
import { listen, reachableHost } from '../hosting/listen.ts';
import { announce, untilStopped } from '../hosting/until-stopped.ts';

export const server = defineCommand({
  name: 'server',
  group: 'Server',
  summary: 'Run the server: it knows the regions and carries out the migrations',
  args: {},
  options: {
    data: spec(
      '<folder>',
      'its keys and its state; /var/lib/storky/server or ~/.local/share/storky/server if not given',
      z.string().optional(),
    ),
    listen: spec('<host:port>', 'where it answers; 127.0.0.1:8600 if not given', listen('127.0.0.1:8600')),
    databaseUrl: spec('<url>', 'a PostgreSQL for its state, instead of the embedded one', z.string().optional()),
    login: flag('at the first start, log in to it on this machine'),
  },
  needs: 'nothing',
  async run(context, { data, listen, databaseUrl, login }) {
    // Loaded here alone: every other command starts without the server's libraries.
    const { startServer } = await import('../../control/server.ts');
    const { collectOnce } = await import('../../base/heap.ts');
    const token = context.io.env.STORKY_TOKEN || undefined;
    const running = await startServer({
      dataFolder: dataFolder(context.io, data, 'server'),
      listen,
      databaseUrl,
      token,
    });
    // What the embedded database was made from is 400 MB, and would lie about for hours.
    collectOnce();
    try {
      const address = outerAddress(running.address);
      const loggedIn = login && (await logIn(context, address, running));
      if (login && !loggedIn)
        say(context, 'Not logged in: this is not the first start. Use `storky login` with a token you have.');
      announceServer(context, address, running, loggedIn);
      await untilStopped(context);
    } finally {
      await running.close();
    }
    return { data: undefined, text: '' };
  },
});

function outerAddress(address: string): string {
  const url = new URL(address);
  url.hostname = reachableHost(url.hostname.replace(/^\[|\]$/g, ''));
  return url.origin;
}

/** Only the first token can be used: the server keeps no other in clear. */
async function logIn(context: Context, address: string, { fingerprint, firstToken }: RunningServer): Promise<boolean> {
  if (!firstToken) return false;
  rememberServer(context.io, address, { token: firstToken, ca: await authorityWith(fingerprint, address) });
  return true;
}

function announceServer(context: Context, address: string, running: RunningServer, loggedIn: boolean): void {
  const { paint } = context;
  const { firstToken, fingerprint } = running;
  const command = firstToken && `storky login ${address} --token ${firstToken}`;
  const text = [
    `${paint.green('✔')} The server answers at ${paint.bold(address)}`,
    paint.dim(`  SHA-256 of its authority: ${fingerprint}`),
    ...(command ? ['  Its first token, shown only now. To log in from a machine:', `    ${paint.cyan(command)}`] : []),
    ...(loggedIn ? ['  This machine is logged in.'] : []),
    `${paint.bold('Next:')} ${paint.cyan('storky regions-add <name>')}`,
  ].join('\n');
  announce(context, { address, fingerprint, firstToken, loginCommand: command, loggedIn }, text);
}
