import { type Logger, pino } from 'pino';

/** JSON lines on standard error; standard output belongs to the user. Secrets never reach a log: pass names, not values. */
export const log: Logger = pino(
  { level: process.env.STORKY_LOG ?? 'info', base: null },
  pino.destination({ dest: 2, sync: true }),
);
export type { Logger };
