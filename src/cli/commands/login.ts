import { z } from 'zod';
import { StorkyError } from '../../protocol/errors.ts';
import { defineCommand, spec } from '../command.ts';
import { serverAddress } from '../connection/address.ts';
import { shownCertificates } from '../connection/certificate.ts';
import { connectTo } from '../connection/client.ts';
import { rememberServer } from '../connection/config.ts';
import { fingerprintInToken, isFingerprint, normalized, readable } from '../connection/fingerprint.ts';
import { type Context, say } from '../context.ts';
import { usage } from '../errors.ts';
import { confirm } from '../show/confirm.ts';

export const login = defineCommand({
  name: 'login',
  group: 'Server',
  summary: 'Remember a server and a token for it',
  args: { address: spec('<address>', 'https://host:port', z.string().transform(serverAddress)) },
  options: {
    token: spec('<token>', 'as the server printed it (STORKY_TOKEN)', z.string().min(1).optional()),
    caFingerprint: spec(
      '<sha256>',
      "of the server's authority; many tokens carry it",
      z.string().refine(isFingerprint, 'not a SHA-256 in hex').transform(normalized).optional(),
    ),
  },
  needs: 'nothing',
  async run(context, { address, token = context.io.env.STORKY_TOKEN, caFingerprint }) {
    if (!token) throw usage('--token is missing (or set STORKY_TOKEN)', '--token');
    const ca = await trusted(context, address, caFingerprint ?? fingerprintInToken(token));
    await proveToken({ address, token, ca: ca ?? undefined });
    rememberServer(context.io, address, { token, ca });
    const text = `${context.paint.green('✔')} Logged in to ${address}.\n${context.paint.dim('Next:')} ${context.paint.cyan('storky regions')}`;
    return { data: { address, publiclyTrusted: ca === null }, text };
  },
});

/** The authority to pin, PEM; null if the system's authorities vouch for the server. Without a fingerprint a person decides. */
async function trusted(context: Context, address: string, expected: string | undefined): Promise<string | null> {
  const { publiclyTrusted, authority } = await shownCertificates(address);
  if (expected && expected !== authority.fingerprint)
    throw new StorkyError('wrong_certificate', { address, seen: authority.fingerprint, expected });
  if (expected) return authority.pem;
  if (publiclyTrusted) return null;
  say(context, `${address} shows a certificate authority that this machine does not know. Its SHA-256 fingerprint is`);
  say(context, `  ${context.paint.bold(readable(authority.fingerprint))}`);
  say(context, 'Compare it with the one that `storky server` printed.');
  await confirm(context, `The certificate authority of ${address}`, 'Is it the same?');
  return authority.pem;
}

/** A wrong token is told now, not by the next command. */
async function proveToken(server: Parameters<typeof connectTo>[0]): Promise<void> {
  const connection = connectTo(server);
  try {
    await connection.api.regions.list();
  } finally {
    await connection.close();
  }
}
