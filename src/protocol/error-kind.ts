import type { NextMove } from './errors.ts';

export interface ErrorKind {
  http: number;
  next: NextMove;
  what: string;
  fix: string;
}

export const kind = (http: number, next: NextMove, what: string, fix: string): ErrorKind => ({ http, next, what, fix });
