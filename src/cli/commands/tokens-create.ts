import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { fingerprintInToken } from '../connection/fingerprint.ts';

export const tokensCreate = defineCommand({
  name: 'tokens-create',
  group: 'Server',
  summary: 'Make a token for a person or a script; it is shown once',
  args: { name: spec('<name>', 'who or what it is for', z.string().min(1)) },
  options: {},
  needs: 'server',
  async run({ paint, server }, { name }) {
    const made = await server.api.tokens.create({ name });
    const pin = server.fingerprint && !fingerprintInToken(made.token) ? ` --ca-fingerprint ${server.fingerprint}` : '';
    const login = `storky login ${server.address} --token ${made.token}${pin}`;
    return {
      data: made,
      text: `${made.token}\n${paint.dim('It is not shown again. To use it:')}\n  ${paint.cyan(login)}`,
    };
  },
});
