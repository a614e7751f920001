/**
 * Which way imports may point. A module takes the rule of the longest prefix that fits it; `may` lists the prefixes, under
 * src/, that it may import besides its own. Tests are free. Everything not listed here is an error: a new folder needs a rule.
 */
export const layers = {
  // The messages that cross a process, and what everybody stands on.
  protocol: { may: [] },
  base: { may: ['protocol'] },

  // Runs steps durably; knows nothing of migrations.
  workflow: { may: ['base', 'protocol/errors.ts', 'protocol/error-catalogue.ts'] },

  // The system's own `ssh`.
  ssh: { may: ['base', 'protocol'] },

  // Holds the traffic; a process of its own.
  router: { may: ['base', 'protocol'] },

  // With what: each engine and runtime knows the contracts, and nobody else.
  drivers: { may: ['base', 'protocol'] },

  // Where: the agent.
  region: { may: ['router', 'drivers', 'base', 'protocol'] },

  // What happens, in order: through contracts only, never through an engine.
  migration: { may: ['workflow', 'drivers/store.ts', 'drivers/database/contract.ts', 'base', 'protocol'] },

  // The server reaches the agents by the link's client, and nothing else of a region.
  control: { may: ['migration', 'workflow', 'region/link', 'ssh', 'base', 'protocol'] },
  cli: { may: ['control', 'migration', 'region', 'router', 'workflow', 'drivers', 'ssh', 'base', 'protocol'] },
};

/** Pairs that never meet, although they are of one layer. Where the patterns have a group, only if the two differ in it. */
export const strangers = [
  {
    from: /^region\/source\//,
    to: /^region\/target\//,
    why: 'what may be done to the old home stays apart from what may be done to the new one',
  },
  {
    from: /^region\/target\//,
    to: /^region\/source\//,
    why: 'what may be done to the old home stays apart from what may be done to the new one',
  },
  {
    from: /^drivers\/database\/([^/]+)\//,
    to: /^drivers\/database\/([^/]+)\//,
    why: 'an engine is a folder that knows no other engine',
  },
];
