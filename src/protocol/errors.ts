import { catalogue, type ErrorCode } from './error-catalogue.ts';

/** What the runner does next: try again, wait for a person, undo what was done, or ask the caller to mend the call. */
export type NextMove = 'retry' | 'ask' | 'undo' | 'fix';

export type ErrorFields = Record<string, string | number | boolean | null | undefined>;

export interface ErrorReport {
  code: ErrorCode;
  what: string;
  remedy: string;
  next: NextMove;
  fields: ErrorFields;
}

/** The only error that crosses a process or reaches a person: a code, what went wrong, and how to mend it. */
export class StorkyError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;
  readonly remedy: string;
  readonly next: NextMove;
  readonly http: number;

  constructor(code: ErrorCode, fields: ErrorFields = {}, options?: { cause?: unknown }) {
    const kind = catalogue[code];
    super(fill(kind.what, fields), options);
    this.name = 'StorkyError';
    this.code = code;
    this.fields = fields;
    this.remedy = fill(kind.fix, fields);
    this.next = kind.next;
    this.http = kind.http;
  }

  report(): ErrorReport {
    return { code: this.code, what: this.message, remedy: this.remedy, next: this.next, fields: this.fields };
  }

  static fromReport(report: { code: string; fields?: ErrorFields; what?: string }): StorkyError {
    const code = report.code in catalogue ? (report.code as ErrorCode) : 'internal';
    return new StorkyError(code, code === report.code ? report.fields : { detail: report.what ?? report.code });
  }

  /** Anything thrown, as a StorkyError; what is not one becomes `internal`, with its message as the detail. */
  static from(error: unknown): StorkyError {
    if (error instanceof StorkyError) return error;
    const detail = error instanceof Error ? error.message : String(error);
    return new StorkyError('internal', { detail }, { cause: error });
  }
}

function fill(template: string, fields: ErrorFields): string {
  // Of what is not known, such as a version that nobody chose, no gap is left.
  return template.replace(/( ?)\{(\w+)\}/g, (_, space: string, name: string) =>
    fields[name] === '' ? '' : `${space}${fields[name] ?? `{${name}}`}`,
  );
}

export type { ErrorCode };
