import { z } from 'zod';
import type { Context, Needs } from './context.ts';
import type { ExitCode } from './exit.ts';

/** An argument or option: what the user reads, and the schema that its text must fit. */
export interface Spec<S extends z.ZodType = z.ZodType> {
  /** `<region>`, `[folder]`; null for a flag without a value. */
  readonly placeholder: string | null;
  readonly text: string;
  readonly schema: S;
  readonly short?: string;
  /** May be given several times; the schema gets an array. */
  readonly repeat?: boolean;
  /** Typed as `--no-<key>`: true unless it is given. */
  readonly negated?: boolean;
}
export type Specs = Record<string, Spec>;
type Values<S extends Specs> = { [K in keyof S]: z.output<S[K]['schema']> };

/** What a command has to say. With `--json` only `data` is printed, else only `text`; nothing where there is none. */
export interface Outcome {
  data: unknown;
  text: string;
  exit?: ExitCode;
}

export const groups = ['Move an app', 'Apps', 'Regions', 'Server'] as const;

/** A command is data: one file each, named as it is typed. */
export interface Command<A extends Specs = Specs, O extends Specs = Specs, N extends Needs = Needs> {
  readonly name: string;
  readonly group: (typeof groups)[number];
  readonly summary: string;
  /** In the order in which they are typed. */
  readonly args: A;
  readonly options: O;
  /** 'server': the context has a client that is logged in. */
  readonly needs: N;
  run(context: Context<N>, input: Values<A> & Values<O>): Promise<Outcome>;
}

export const defineCommand = <A extends Specs, O extends Specs, N extends Needs>(command: Command<A, O, N>) => command;

export const spec = <S extends z.ZodType>(placeholder: string, text: string, schema: S, short?: string): Spec<S> => ({
  placeholder,
  text,
  schema,
  short,
});

/** `z.array(…)` in the schema. */
export const repeated = <S extends z.ZodType>(placeholder: string, text: string, schema: S): Spec<S> => ({
  placeholder,
  text,
  schema,
  repeat: true,
});

export const flag = (text: string): Spec<z.ZodDefault<z.ZodBoolean>> => ({
  placeholder: null,
  text,
  schema: z.boolean().default(false),
});

/** `--no-<key>`: true unless it is given. */
export const noFlag = (text: string): Spec<z.ZodDefault<z.ZodBoolean>> => ({
  placeholder: null,
  text,
  schema: z.boolean().default(true),
  negated: true,
});

// biome-ignore lint/suspicious/noExplicitAny: the registry holds commands of every shape; the schemas check each input.
export type AnyCommand = Command<any, any, any>;
