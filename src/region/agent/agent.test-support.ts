import { fileURLToPath } from 'node:url';
import { isContractProcedure } from '@orpc/contract';
import { StorkyError } from '../../protocol/errors.ts';
import { regionContract } from '../../protocol/region-contract.ts';
import { type AgentOptions, startAgent } from './agent.ts';
import type { RegionAnswers } from './answers.ts';
import type { RegionParts } from './parts.ts';

/** Parts that do nothing: for what the shell does by itself. Every call is answered with `unsupported`. */
export function emptyParts(): RegionParts {
  return {
    answers: refuseAll(regionContract) as RegionAnswers,
    authorise: (peer, { kind }) => {
      throw new StorkyError('not_granted', { peer, region: 'this region', what: kind });
    },
    handlers: {},
    receiveBuild: async (_sha256, archive) => void archive.resume(),
    start: async () => {},
    stop: async () => {},
  };
}

function refuseAll(contract: object): unknown {
  if (!isContractProcedure(contract)) {
    return Object.fromEntries(Object.entries(contract).map(([name, inner]) => [name, refuseAll(inner as object)]));
  }
  return async () => {
    throw new StorkyError('unsupported', { what: 'This', detail: 'the parts are empty', hint: '' });
  };
}

// Run as a program: an agent that a test can kill.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = JSON.parse(process.argv[2]!) as AgentOptions;
  const agent = await startAgent(options, emptyParts);
  process.once('SIGTERM', () => void agent.stop().then(() => process.exit(0)));
  process.send?.({ router: agent.router.pid });
}
