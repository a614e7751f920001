import { type Check, fail, pass, warn } from '../../check.ts';

export const sameArchitecture: Check = {
  id: 'same-architecture',
  name: 'Same processor and system',
  async ask({ source, target, migration }) {
    const [here, there] = await Promise.all([source.info(), target.info()]);
    if (here.arch !== there.arch)
      return fail(
        `${source.name} is ${here.arch}, ${target.name} is ${there.arch}: the build would not run`,
        'Build for the other architecture, or choose another region.',
      );
    if (here.platform !== there.platform)
      return warn(`${here.platform} and ${there.platform}`, 'Check the preview address before you finalize.');
    // A project's images bring their own.
    const { record } = await source.apps.get({ app: migration.srcAppName });
    if (!record.project && here.libc !== there.libc)
      return warn(
        `${source.name} has ${here.libc ?? 'another C library than glibc'}, ${target.name} has ${there.libc ?? 'another one than glibc'}: text may be sorted in another order by databases, and modules that were compiled may not load`,
        'Indexes are built anew over there. Where the app relies on the order of text, use a collation of ICU; look at the preview address before you finalize.',
      );
    return pass(`${here.platform}, ${here.arch}`);
  },
};
