import { StorkyError } from '../../../protocol/errors.ts';
import { type Check, fail, pass } from '../../check.ts';

/** The data and the switch pass between the agents directly, so each must reach the other. */
export const regionsSeeEachOther: Check = {
  id: 'regions-see-each-other',
  name: 'The two regions reach each other',
  async ask({ source, target, report }) {
    const [here, there] = await Promise.all([source.info(), target.info()]);
    try {
      const forth = await source.source.reach({ peer: there.address });
      const back = await target.target.reach({ peer: here.address });
      const roundTripMs = Math.max(forth.roundTripMs, back.roundTripMs);
      await report((r) => {
        r.predictedFreezeMs = Math.ceil(roundTripMs + 30);
      });
      return pass(`round trip ${roundTripMs.toFixed(1)} ms; predicted freeze about ${Math.ceil(roundTripMs + 30)} ms`);
    } catch (error) {
      const { message, remedy } = StorkyError.from(error);
      return fail(message, remedy);
    }
  },
};
