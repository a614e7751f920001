import type { Duplex } from 'node:stream';
import type { LinkHello } from '../../protocol/link.ts';

type Kind = LinkHello['kind'];
export type HelloOf<K extends Kind> = Extract<LinkHello, { kind: K }>;

/**
 * Serves one stream that `authorise` let in. A StorkyError thrown here reaches the peer as such. When it returns, our
 * direction ends if it did not already.
 */
export type LinkHandler<K extends Kind = Kind> = (hello: HelloOf<K>, stream: Duplex, peer: string) => Promise<void>;
export type LinkHandlers = { [K in Kind]?: LinkHandler<K> };

/** For the kinds that answer with one JSON value. */
export function answerJson<K extends Kind>(
  answer: (hello: HelloOf<K>, peer: string) => Promise<unknown>,
): LinkHandler<K> {
  return async (hello, stream, peer) => {
    stream.end(JSON.stringify(await answer(hello, peer)));
  };
}
