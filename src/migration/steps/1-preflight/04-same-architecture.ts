import { type Check, fail, pass, warn } from '../../check.ts';

export const sameArchitecture: Check = {
  id: 'same-architecture',
  name: 'Same processor and system',
  async ask({ source, target }) {
    const [here, there] = await Promise.all([source.info(), target.info()]);
    if (here.arch !== there.arch)
      return fail(
        `${source.name} is ${here.arch}, ${target.name} is ${there.arch}: the build would not run`,
        'Build for the other architecture, or choose another region.',
      );
    if (here.platform !== there.platform)
      return warn(`${here.platform} and ${there.platform}`, 'Check the preview address before you finalize.');
    return pass(`${here.platform}, ${here.arch}`);
  },
};
