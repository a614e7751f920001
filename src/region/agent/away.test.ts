import { once } from 'node:events';
import { connect } from 'node:net';
import { type AnyContractRouter, isContractProcedure } from '@orpc/contract';
import { createRouterClient } from '@orpc/server';
import { expect, it } from 'vitest';
import { freePort } from '../../base/free-port.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { regionContract } from '../../protocol/region-contract.ts';
import type { RegionCalls } from '../link/region-client.ts';
import { composeRegion, type RegionAnswers } from './answers.ts';
import { sayingWhoIsAway } from './away.ts';

it('nobody listens where a database was: what was asked is tried again, not put before a person', async () => {
  const region = createRouterClient(composeRegion(refusing(regionContract)), {}) as unknown as RegionCalls;
  const error = await region.apps.list().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'database_unreachable', next: 'retry' });
  expect((error as Error).message).toMatch(/does not answer: connect ECONNREFUSED 127\.0\.0\.1/);
});

async function refused(): Promise<never> {
  await once(connect(await freePort(), '127.0.0.1'), 'connect');
  throw new Error('somebody listens');
}

/** Every procedure asks a database that is not there. */
function refusing(contract: AnyContractRouter): RegionAnswers {
  const answers = (part: AnyContractRouter): unknown =>
    isContractProcedure(part)
      ? refused
      : Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, answers(inner)]));
  return answers(contract) as RegionAnswers;
}

it('any other error stays what it is', () => {
  for (const error of [new Error('no'), new StorkyError('unknown_app', { app: 'shop' }), undefined])
    expect(sayingWhoIsAway(error)).toBe(error);
});
