import type { ErrorCode } from '../protocol/errors.ts';

/** What a script can rely on; docs and `storky --help` list them. */
export const exitCodes = {
  ok: 0,
  /** The command, or the migration it ran or followed, failed. */
  failed: 1,
  /** The command line is not valid. */
  usage: 2,
  /** Not confirmed: the answer was no, or nobody could be asked. */
  declined: 3,
  /** No server is set up, or it does not answer, or it does not know the token. */
  server: 4,
  /** Ctrl-C; what runs on the server goes on. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const special: Partial<Record<ErrorCode, ExitCode>> = {
  bad_usage: exitCodes.usage,
  not_confirmed: exitCodes.declined,
  no_server: exitCodes.server,
  server_unreachable: exitCodes.server,
  wrong_certificate: exitCodes.server,
  untrusted_certificate: exitCodes.server,
  unauthorized: exitCodes.server,
};

export const exitCodeOf = (code: ErrorCode): ExitCode => special[code] ?? exitCodes.failed;
