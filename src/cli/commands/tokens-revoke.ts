import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { confirm } from '../show/confirm.ts';

export const tokensRevoke = defineCommand({
  name: 'tokens-revoke',
  group: 'Server',
  summary: 'Take a token back; whoever uses it is locked out at once',
  args: { id: spec('<id>', 'as `storky tokens` lists it', z.string().min(1)) },
  options: {},
  needs: 'server',
  async run(context, { id }) {
    await confirm(context, `Revoking the token ${id}`, `Revoke the token ${id}?`);
    await context.server.api.tokens.revoke({ id });
    return { data: { id, revoked: true }, text: `${context.paint.green('✔')} The token ${id} is revoked.` };
  },
});
