import { StorkyError } from '../../../protocol/errors.ts';
import { type Check, fail, pass } from '../../check.ts';

export const regionsReachable: Check = {
  id: 'regions-reachable',
  name: 'Both regions answer and speak the same version',
  async ask({ source, target }) {
    const answers = await Promise.allSettled([source.info(), target.info()]);
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        const error = StorkyError.from(answer.reason);
        return fail(error.message, error.remedy);
      }
    }
    const [here, there] = answers.map(
      (answer) => (answer as PromiseFulfilledResult<Awaited<ReturnType<typeof source.info>>>).value,
    );
    if (here!.protocol !== there!.protocol) {
      return fail(
        `${source.name} runs Storky ${here!.version}, ${target.name} runs ${there!.version}`,
        'Upgrade the older agent.',
      );
    }
    return pass(`Storky ${here!.version} and ${there!.version}`);
  },
};
