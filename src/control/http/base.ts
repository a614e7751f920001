import { implement } from '@orpc/server';
import { controlContract } from '../../protocol/control-contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { AuditTable } from '../state/audit.ts';
import { type Caller, named } from './caller.ts';

/** The one call that needs no user's token: it brings its own. */
const open = 'regions.enrol';
const reading = /\.(list|get|show|watch|environment|logs|processes|metrics)$/;

/** The contract, with every call checked for its token, and every change written to the audit. */
export function guarded(audit: AuditTable) {
  return implement(controlContract)
    .$context<Caller>()
    .use(async ({ context, path, next }, input) => {
      const call = path.join('.');
      const who = call === open ? 'an agent' : named(context);
      if (reading.test(call)) return next();
      try {
        const result = await next();
        await audit.record(who, call, subjectOf(input), 'done');
        return result;
      } catch (error) {
        await audit.record(who, call, subjectOf(input), StorkyError.from(error).code).catch(() => {});
        throw error;
      }
    });
}

export type Guarded = ReturnType<typeof guarded>;

/** What the call is about. Names only: no value of a variable, no token, no key. */
function subjectOf(input: unknown): string {
  const fields = (input ?? {}) as Record<string, unknown> & { record?: { name?: unknown } };
  return [fields.region, fields.app ?? fields.record?.name ?? fields.name, fields.id, fields.step]
    .filter((part) => typeof part === 'string')
    .join(' ');
}
