import { expect, test } from 'vitest';
import { LatencyWatch } from './latency.ts';

test('knows the last seconds before anybody watches, and all that comes while somebody does', () => {
  const latency = new LatencyWatch();
  for (let ms = 1; ms <= 100; ms++) latency.record(ms);
  const first = latency.look();
  expect(first.window.count).toBe(100);
  expect(first.window.p50Ms).toBeGreaterThan(45);
  expect(first.window.p50Ms).toBeLessThan(55);
  expect(first.window.p99Ms).toBeGreaterThan(95);
  expect(first.whole.count).toBe(0);
  latency.record(500);
  expect(latency.look().whole).toMatchObject({ count: 1 });
  expect(latency.look().whole.p99Ms).toBeGreaterThan(450);
});
