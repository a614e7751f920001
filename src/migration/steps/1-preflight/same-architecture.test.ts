import { expect, it } from 'vitest';
import type { StepContext } from '../../step.ts';
import { sameArchitecture } from './04-same-architecture.ts';

const usual = { arch: 'x64', platform: 'linux', libc: 'glibc 2.36' };

/** What the check says of two regions that tell this of themselves. */
function asked(there: Partial<typeof usual> | { libc: null }, project: object | null = null) {
  const region = (name: string, told: object) => ({
    name,
    info: async () => told,
    apps: { get: async () => ({ record: { project } }) },
  });
  const [source, target] = [region('west', usual), region('east', { ...usual, ...there })];
  return sameArchitecture.ask({ source, target, migration: { srcAppName: 'shop' } } as unknown as StepContext);
}

it('another processor is refused; another C library is told, unless the app brings its own', async () => {
  expect(await asked({})).toMatchObject({ verdict: 'pass' });
  expect(await asked({ arch: 'arm64' }, {})).toMatchObject({ verdict: 'fail', detail: expect.stringMatching(/arm64/) });
  expect(await asked({ libc: 'glibc 2.41' })).toMatchObject({
    verdict: 'warn',
    detail: expect.stringMatching(/^west has glibc 2\.36, east has glibc 2\.41: text may be sorted/),
    remedy: expect.stringMatching(/ICU/),
  });
  expect(await asked({ libc: null })).toMatchObject({ verdict: 'warn' });
  expect(await asked({ libc: 'glibc 2.41' }, {})).toMatchObject({ verdict: 'pass' });
});
