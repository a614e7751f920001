import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

function jobs(slots: Slots) {
  const order: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  let [running, most] = [0, 0];
  const start = (name: string, signal = never) => {
    ends.set(name, Promise.withResolvers());
    return slots.take(
      async () => {
        order.push(name);
        most = Math.max(most, ++running);
        await ends.get(name)!.promise.finally(() => running--);
      },
      signal,
      () => order.push(`${name} waits`),
    );
  };
  return { start, order, end: (name: string) => ends.get(name)!.resolve(), fail: fail(ends), most: () => most };
}

const fail = (ends: Map<string, PromiseWithResolvers<void>>) => (name: string) =>
  ends.get(name)!.reject(new Error('it broke'));

test('so many run at once, the others in their order, also after one that failed', async () => {
  const { start, order, end, fail, most } = jobs(new Slots(2));
  const all = ['a', 'b', 'c', 'd'].map((name) => start(name));
  await soon();
  expect(order).toEqual(['a', 'b', 'c waits', 'd waits']);
  fail('a');
  await expect(all[0]).rejects.toThrow('it broke');
  await soon();
  end('b');
  await soon();
  expect(order.slice(4)).toEqual(['c', 'd']);
  end('c');
  end('d');
  await Promise.all(all.slice(1));
  expect(most()).toBe(2);
});

test('who gives up while it waits takes no place, and keeps nobody from one', async () => {
  const { start, order, end } = jobs(new Slots(1));
  const tired = new AbortController();
  const first = start('first');
  const second = start('second', tired.signal);
  const third = start('third');
  tired.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  end('first');
  await first;
  await soon();
  expect(order.at(-1)).toBe('third');
  end('third');
  await third;
  expect(order).not.toContain('second');
});
