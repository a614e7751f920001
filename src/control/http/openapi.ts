import { OpenAPIGenerator } from '@orpc/openapi';
import { OpenAPIHandler } from '@orpc/openapi/node';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import { controlContract } from '../../protocol/control-contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { reportErrors, toStorkyError } from '../../protocol/orpc-errors.ts';
import type { Caller } from './caller.ts';
import type { ControlRouter } from './router.ts';

/** The API for scripts, described by /openapi.json. */
export function openApiHandler(router: ControlRouter, onUnexpected: (error: unknown) => void) {
  return new OpenAPIHandler<Caller>(router, {
    clientInterceptors: [reportErrors(onUnexpected)],
    customErrorResponseBodyEncoder: (error) => errorBody(StorkyError.from(toStorkyError(error))),
  });
}

/** The body of every refusal, whatever was asked. */
export const errorBody = ({ code, message, remedy, fields }: StorkyError) => ({ code, error: message, remedy, fields });

let document: Promise<object> | undefined;

/** Made once: the contract does not change while the server runs. */
export function openApiDocument(): Promise<object> {
  document ??= new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] }).generate(controlContract, {
    info: { title: 'Storky', version: '1', description: 'Moves live applications between regions.' },
    servers: [{ url: '/v1' }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  });
  return document;
}
