/** One name, quoted. */
export const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** A qualified name, quoted. */
export const qualified = (schema: string, name: string): string => `${identifier(schema)}.${identifier(name)}`;

const escapes: Record<string, string> = { '\\': '\\\\', "'": "\\'", '\0': '\\0' };

/** A string constant, quoted, for sessions opened by `connect`, where a backslash escapes. */
export const literal = (text: string): string => `'${text.replaceAll(/[\\'\0]/g, (c) => escapes[c]!)}'`;

/** `'user'@'host'` */
export const account = (user: string, host: string): string => `${literal(user)}@${literal(host)}`;

/** A database in GRANT: a pattern there, in which `_` and `%` have to be escaped. */
export const grantable = (database: string): string => identifier(database.replaceAll(/[_%\\]/g, '\\$&'));
