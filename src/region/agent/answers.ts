import {
  type AnyContractRouter,
  type ContractProcedure,
  type InferSchemaInput,
  type InferSchemaOutput,
  isContractProcedure,
} from '@orpc/contract';
import { type AnyRouter, implement } from '@orpc/server';
import { regionContract } from '../../protocol/region-contract.ts';
import { sayingWhoIsAway } from './away.ts';

/** How the caller's patience is known: aborted when it went away. */
export interface Call {
  signal?: AbortSignal;
}

/**
 * A contract as plain functions: the same tree, each procedure a function of its validated input. The parts of the agent
 * give objects of this type, and know nothing of how calls arrive.
 */
export type Answers<C> =
  C extends ContractProcedure<infer I, infer O, infer _E, infer _M>
    ? (input: InferSchemaOutput<I>, call: Call) => Promise<InferSchemaInput<O>>
    : { [K in keyof C]: Answers<C[K]> };

export type RegionAnswers = Answers<typeof regionContract>;

/** The region contract, answered by the parts. Throws where one is missing, at the start rather than at the first call. */
export function composeRegion(answers: RegionAnswers): AnyRouter {
  return implementTree(regionContract, answers, 'region');
}

type AnyAnswers = { [name: string]: AnyAnswers } | ((input: unknown, call: Call) => Promise<unknown>);

function implementTree(contract: AnyContractRouter, answers: unknown, path: string): AnyRouter {
  const part = answers as AnyAnswers | undefined;
  if (!isContractProcedure(contract)) {
    const branches = Object.entries(contract as Record<string, AnyContractRouter>);
    return Object.fromEntries(
      branches.map(([name, inner]) => [name, implementTree(inner, bound(part, name), `${path}.${name}`)]),
    );
  }
  if (typeof part !== 'function') throw new Error(`nothing answers ${path}`);
  return implement(contract).handler(({ input, signal }) =>
    part(input, { signal }).catch((error: unknown) => {
      throw sayingWhoIsAway(error);
    }),
  );
}

/** A part may be an object of functions, or of a class with methods. */
function bound(part: AnyAnswers | undefined, name: string): unknown {
  const inner = (part as Record<string, unknown> | undefined)?.[name];
  return typeof inner === 'function' ? inner.bind(part) : inner;
}
