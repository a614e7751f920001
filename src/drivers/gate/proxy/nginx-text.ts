/** The text of a configuration with the gate in it, and back: byte for byte, whatever else was changed meanwhile. */
export interface Words {
  app: string;
  router: string;
  upstreams: string[];
}

/**
 * In the `upstream` block of the app: the gate first, and the app itself for when nobody listens at the gate. The gate is
 * never taken for broken (`max_fails=0`), so it is asked again as soon as it is back. Undefined where there is no such
 * block, or where it has servers of somebody else.
 */
export function withGate(text: string, words: Words): string | undefined {
  const clean = withoutGate(text, words.app);
  let found = 0;
  const changed = clean.replace(
    /(\bupstream\s+[^\s{]+\s*\{)([^}]*)(\})/g,
    (whole, head: string, body: string, end: string) => {
      const servers = [...code(body).matchAll(/\bserver\s+([^\s;]+)/g)].map(([, address]) => address!);
      if (!servers.some((address) => words.upstreams.includes(address))) return whole;
      if (!servers.every((address) => words.upstreams.includes(address))) return whole;
      found++;
      return head + gateLine(words) + asBackups(body, words.app) + end;
    },
  );
  return found === 1 ? changed : undefined;
}

export function withoutGate(text: string, app: string): string {
  const line = new RegExp(` server [^\\s;]+ max_fails=0; # storky:${app}\\n`, 'g');
  return text.replace(line, '').replaceAll(backup(app), '');
}

export const hasGate = (text: string, app: string): boolean => text.includes(`# storky:${app}\n`);

const asBackups = (body: string, app: string): string =>
  body.replace(/#.*|(\bserver\s+[^;#]+);/g, (whole, server?: string) => (server ? `${server}${backup(app)};` : whole));

const gateLine = ({ app, router }: Words): string => ` server ${router} max_fails=0; # storky:${app}\n`;

/** A comment may stand within a directive; this one marks what was added. */
const backup = (app: string): string => ` backup # storky:${app}\n`;

const code = (text: string): string => text.replace(/#.*$/gm, '');
