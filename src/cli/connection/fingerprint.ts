/** SHA-256 of a certificate as lower-case hex without colons. */
export const normalized = (fingerprint: string): string =>
  fingerprint
    .replace(/^sha256[:/]/i, '')
    .replaceAll(':', '')
    .toLowerCase();

export const isFingerprint = (text: string): boolean => /^[0-9a-f]{64}$/.test(normalized(text));

/** A token may carry the fingerprint of its server's authority: `sty_<secret>.<sha256 hex>`. Both parts go to the server. */
export function fingerprintInToken(token: string): string | undefined {
  const tail = token.slice(token.lastIndexOf('.') + 1);
  return token.includes('.') && isFingerprint(tail) ? normalized(tail) : undefined;
}

/** For reading aloud: groups of four. */
export const readable = (fingerprint: string): string => normalized(fingerprint).match(/.{4}/g)!.join(' ');
