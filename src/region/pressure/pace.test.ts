import { expect, test } from 'vitest';
import { Bucket, StorePace } from './pace.ts';

test('several streams together keep the rate', async () => {
  const pace = new StorePace(new Bucket(1_000_000));
  const began = performance.now();
  const stream = async () => {
    for (let n = 0; n < 10; n++) await pace.spend(20_000);
  };
  await pace.during(() => Promise.all([stream(), stream()]));
  // 400 kB at 1 MB/s, less the burst and the last rests.
  expect(performance.now() - began).toBeGreaterThan(250);
  expect(pace.bytes).toBe(400_000);
  expect(pace.takeHeldBack()).toBeGreaterThan(100);
});

test('outside of a copy nobody waits, and its end wakes who rests', async () => {
  const pace = new StorePace(new Bucket(1));
  expect(pace.spend(1_000_000)).toBeUndefined();
  let rest: Promise<void> | undefined;
  await pace.during(async () => {
    rest = pace.spend(1_000_000);
    expect(rest).toBeDefined();
  });
  await rest;
  expect(pace.spend(1_000_000)).toBeUndefined();
});

test('a limit that is lifted holds back no more', () => {
  const bucket = new Bucket(1_000);
  expect(bucket.take(100_000)).toBeGreaterThan(50_000);
  bucket.rate = Number.POSITIVE_INFINITY;
  expect(bucket.take(100_000)).toBe(0);
});

test('what is held rests until it is let go, whatever the rate', async () => {
  const bucket = new Bucket();
  const pace = new StorePace(bucket);
  await pace.during(async () => {
    bucket.held = true;
    let rests = true;
    const rest = pace.spend(1)!.then(() => {
      rests = false;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(rests).toBe(true);
    bucket.held = false;
    await rest;
    expect(pace.spend(1)).toBeUndefined();
  });
  expect(pace.takeHeldBack()).toBeGreaterThan(150);
});
