import { usage } from '../errors.ts';

/** `host:port` and `https://host:port/` mean the same server. Plain HTTP would show the token to everybody on the way. */
export function serverAddress(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (!url) throw usage(`${text} is not an address; write it as https://host:port`, 'address');
  if (url.protocol !== 'https:') throw usage(`${text} does not begin with https://`, 'address');
  return url.origin;
}
