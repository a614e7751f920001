import { once } from 'node:events';
import type { LinkHandlers } from '../link/handlers.ts';
import { SwitchChannel } from '../switch/channel.ts';
import { answerTo } from './running.ts';
import type { TargetSide } from './target-side.ts';

/** What the source may open here while a migration grants it. */
export function targetLinks(side: TargetSide): LinkHandlers {
  return {
    async switch(hello, stream) {
      answerTo(side, hello, new SwitchChannel(stream));
      if (!stream.destroyed) await once(stream, 'close');
    },
  };
}
