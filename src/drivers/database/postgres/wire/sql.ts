import pg from 'pg';

/** One name, quoted. */
export const identifier = (name: string): string => pg.escapeIdentifier(name);

/** A qualified name, quoted. */
export const qualified = (schema: string, name: string): string => `${identifier(schema)}.${identifier(name)}`;

/** A string constant, quoted; for statements that take no parameters. */
export const literal = (text: string): string => pg.escapeLiteral(text);
