import { expect, onTestFinished, test, vi } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { Pressure } from '../../protocol/migration.ts';
import { Governor, isPressed, nextRate } from './governor.ts';

const none = Number.POSITIVE_INFINITY;

test('what is pressed is clearly worse than before, not a little', () => {
  expect(isPressed(15, 5)).toBe(false);
  expect(isPressed(30, 5)).toBe(true);
  expect(isPressed(190, 100)).toBe(false);
  expect(isPressed(210, 100)).toBe(true);
});

test('slower at once, from what really passed; never so slow that it would not end', () => {
  expect(nextRate(none, 50e6, none, true)).toBe(30e6);
  expect(nextRate(30e6, 30e6, none, true)).toBe(18e6);
  expect(nextRate(600_000, 600_000, none, true)).toBe(500_000);
  expect(nextRate(200_000, 200_000, 200_000, true)).toBe(200_000);
  expect(nextRate(4e6, 4e6, none, true, 3e6)).toBe(3e6);
  expect(nextRate(4e6, 4e6, 1e6, true, 3e6)).toBe(1e6);
});

test('quicker by and by, up to the limit, and free where it is not the pace that holds the copy back', () => {
  expect(nextRate(10e6, 10e6, none, false)).toBe(12.5e6);
  expect(nextRate(10e6, 10e6, 11e6, false)).toBe(11e6);
  expect(nextRate(10e6, 1e6, none, false)).toBe(none);
});

test('a copy goes on where nobody can be asked and nothing can be written down', async () => {
  const away = () => Promise.reject(new Error('the source is away'));
  const governor = new Governor(away, undefined, () => {
    throw new Error('no space left on device');
  });
  expect(await governor.during('db', async () => 'copied')).toBe('copied');
  expect(governor.pace('db').spend(1_000_000)).toBeUndefined();
});

test('nor does it end where asking itself fails', async () => {
  const governor = new Governor(
    () => {
      throw new Error('the migration was taken away');
    },
    undefined,
    () => {},
  );
  expect(await governor.watching(async () => 'compared')).toBe('compared');
});

test('pressure slows no store below what it needs, or its copy would break off and begin anew; a limit does', async () => {
  let p99Ms = 5;
  const reading = async () => {
    const requests = { count: 100, p99Ms };
    return { requests: { window: requests, whole: requests }, pulses: {} };
  };
  const rates: (number | null)[] = [];
  const governor = new Governor(reading, undefined, (known) => rates.push(known.lowestBytesPerSecond));
  await governor.during('db', async () => {
    governor.pace('db').mustKeep(3e6);
    p99Ms = 500;
    await waitFor(() => rates.some((rate) => rate !== null), { what: 'a pace' });
    expect(rates.at(-1)).toBe(3e6);
    // What the user has said is obeyed.
    governor.limitTo(200_000, false);
    expect(governor.pace('db').atLeast).toBe(3e6);
  });
  expect(governor.pace('db').atLeast).toBeUndefined();
});

/** A copy that is looked at for so many seconds; `p99Ms` is what the app's visitors meet in each. */
async function fares(
  governor: (ask: () => Promise<never>, tell: (known: Pressure) => void) => Governor,
  p99Ms: number,
) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let [now, known] = [5, undefined as Pressure | undefined];
  const ask = async () => {
    const requests = { count: 100, p99Ms: now };
    return { requests: { window: requests, whole: requests }, pulses: {} } as never;
  };
  const watched = governor(ask, (told) => {
    known = told;
  });
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const copied = watched.during('db', () => over);
  await vi.advanceTimersByTimeAsync(2_000);
  now = p99Ms;
  return {
    watched,
    seconds: (count: number) => vi.advanceTimersByTimeAsync(count * 1000),
    known: () => known!,
    end: () => {
      end();
      return copied;
    },
  };
}

test('where the app is as slow without the copy, that is what is normal by now, and the copy is quick again', async () => {
  const { watched, seconds, known, end } = await fares((ask, tell) => new Governor(ask, undefined, tell), 40);
  await seconds(5);
  expect(known()).toMatchObject({ beforeP99Ms: 5, lowestBytesPerSecond: 500_000 });
  expect(watched.pace('db').spend(10_000_000)).toBeInstanceOf(Promise);
  await seconds(60);
  expect(known()).toMatchObject({ beforeP99Ms: 40 });
  expect(watched.pace('db').spend(10_000_000), 'nobody slows it down').toBeUndefined();
  await end();
});

test('what was normal is measured anew before another copy, days later', async () => {
  const { watched, seconds, known, end } = await fares((ask, tell) => new Governor(ask, undefined, tell), 40);
  await end();
  await seconds(86_400);
  await watched.during('files', async () => {});
  expect(known()).toMatchObject({ beforeP99Ms: 40 });
});

test('a pace that the user insists on is kept, however the app fares', async () => {
  const { watched, seconds, known, end } = await fares((ask, tell) => new Governor(ask, undefined, tell), 5_000);
  watched.limitTo(3e6, true);
  await seconds(9);
  expect(known()).toMatchObject({ lowestBytesPerSecond: null, duringP99Ms: 5_000 });
  watched.limitTo(null, false);
  await seconds(2);
  expect(known().lowestBytesPerSecond).toBe(500_000);
  await end();
});
