import { z } from 'zod';

/**
 * `ssh://deploy@203.0.113.10:2222`, `deploy@host`, or an alias of the user's own configuration. Never begins with a dash,
 * which `ssh` would take for an option.
 */
export const Destination = z
  .string()
  .refine(
    (text) => /^(ssh:\/\/)?([a-z0-9_][a-z0-9_.-]*@)?([a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:]+\])(:\d{1,5})?\/?$/i.test(text),
    'write it as ssh://user@host, ssh://user@host:port, or the name of a host in your SSH configuration',
  )
  .transform((text) => (text.startsWith('ssh://') ? text.replace(/\/$/, '') : `ssh://${text}`));

/** How a region's host is reached, as the server keeps it: no key and no password, only what to expect. */
export const SshReach = z.object({
  destination: Destination,
  /** `ssh-ed25519 AAAA…`: what the host showed when it was added, and has to show ever after. */
  hostKey: z.string(),
  /** The server reaches the agent by a connection of `ssh` too, since it may run where the agent's port is not open. */
  tunnel: z.boolean(),
});
export type SshReach = z.infer<typeof SshReach>;
