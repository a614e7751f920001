import { expect, test } from 'vitest';
import { matches, nextRun, parseCron } from './cron.ts';

const at = (text: string) => new Date(`${text}Z`);

test.each([
  ['* * * * *', '2026-03-01T10:00:30', '2026-03-01T10:01:00'],
  ['*/15 * * * *', '2026-03-01T10:15:00', '2026-03-01T10:30:00'],
  ['5,35 8-10 * * *', '2026-03-01T10:40:00', '2026-03-02T08:05:00'],
  ['0 0 29 2 *', '2026-03-01T00:00:00', '2028-02-29T00:00:00'],
  ['0 12 * * mon-fri', '2026-03-06T12:00:00', '2026-03-09T12:00:00'],
  ['0 0 * * 7', '2026-03-02T00:00:00', '2026-03-08T00:00:00'],
  ['30 2 * dec *', '2026-03-01T00:00:00', '2026-12-01T02:30:00'],
  ['10/20 0 * * *', '2026-03-01T00:10:00', '2026-03-01T00:30:00'],
  ['@weekly', '2026-03-02T00:00:00', '2026-03-08T00:00:00'],
  // No daylight saving in UTC: the hour that Europe leaves out is there, and only once.
  ['30 1 * * *', '2026-03-29T00:59:00', '2026-03-29T01:30:00'],
])('%s after %s is %s', (expression, from, next) => {
  expect(nextRun(parseCron(expression), at(from))).toEqual(at(next));
});

test('where both days are restricted, either may match', () => {
  const cron = parseCron('0 0 13 * fri');
  expect(matches(cron, at('2026-03-13T00:00:00'))).toBe(true); // both
  expect(matches(cron, at('2026-03-20T00:00:00'))).toBe(true); // a Friday
  expect(matches(cron, at('2026-04-13T00:00:00'))).toBe(true); // a 13th
  expect(matches(cron, at('2026-04-14T00:00:00'))).toBe(false);
});

test('a day that never comes has no next run', () => {
  expect(nextRun(parseCron('0 0 30 2 *'), at('2026-01-01T00:00:00'))).toBeUndefined();
});

test.each([
  ['* * * *', '4 fields'],
  ['60 * * * *', 'minute'],
  ['* 24 * * *', 'hour'],
  ['* * 0 * *', 'day of month'],
  ['* * * 13 *', 'month'],
  ['* * * * 8', 'day of week'],
  ['*/0 * * * *', 'minute'],
  ['5-1 * * * *', 'comes before'],
  ['a * * * *', 'minute'],
])('%s is refused for its %s', (expression, why) => {
  expect(() => parseCron(expression)).toThrow(why);
});
