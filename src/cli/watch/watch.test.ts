import { Writable } from 'node:stream';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import type { Migration } from '../../protocol/migration.ts';
import type { ControlClient } from '../connection/client.ts';
import type { Output } from '../io.ts';
import { newMigration, newStep } from '../testing/migration.test-support.ts';
import { switched } from '../testing/switches.test-support.ts';
import { block } from './block.ts';
import { dnsLines } from './dns.ts';
import { LineScreen } from './line-screen.ts';
import { LiveScreen } from './live-screen.ts';
import { Rates } from './rates.ts';
import { stepLine } from './step-line.ts';
import { changesOf } from './stream.ts';

const paint = createColors(false);
const moment = { paint, now: Date.parse('2026-01-02T03:04:15.000Z'), frame: 0, rate: () => 1_000_000 };
const startedAt = '2026-01-02T03:04:05.000Z';
const step = (change: object) => ({ ...newStep('data', 'Copy db'), startedAt, ...change });

describe('a step', () => {
  test('that runs shows how much, how fast and how long still', () => {
    const progress = { done: 30_000_000, total: 120_000_000, unit: 'bytes' as const, note: 'orders' };
    expect(stepLine(step({ progress }), moment)).toBe(
      '⣾ Copy db... 25 % · 30.0 MB of 120 MB · 1.0 MB/s · 1 min 30 s left · orders',
    );
  });

  test.each([
    ['done', '✔ Copy db Done! 10 s'],
    ['error', '✘ Copy db FAILED! 10 s'],
    ['undone', '↺ Copy db taken back 10 s'],
    ['skipped', '– Copy db not needed – nothing to copy'],
  ])('that is %s', (status, line) => {
    const finishedAt = '2026-01-02T03:04:15.000Z';
    expect(stepLine(step({ status, finishedAt, logs: 'nothing to copy' }), moment)).toBe(line);
  });

  test('has the speed of its last seconds, none before it is known', () => {
    const rates = new Rates();
    const at = (done: number) => [step({ id: 's', progress: { done, total: null, unit: 'rows' } })];
    rates.observe(at(0), 0);
    expect(rates.of('s')).toBeUndefined();
    rates.observe(at(2_000), 1_000);
    expect(rates.of('s')).toBe(2_000);
    rates.observe(at(2_100), 20_000);
    expect(rates.of('s')).toBeUndefined();
  });
});

test('the block gives phases that are over one line, and the current one its steps', () => {
  const finishedAt = '2026-01-02T03:04:07.500Z';
  const steps = [
    { ...step({ status: 'done', finishedAt }), phase: 'prepare' as const, name: 'Lock' },
    step({ status: 'running', progress: null }),
  ];
  const migration: Migration = { ...newMigration(), id: 'ID', dstAppName: 'shop-2', status: 'running', steps };
  expect(block(migration, moment)).toMatchInlineSnapshot(`
    "Migration ID:  ID
    Migrating app: shop (osc-fr1)
    Destination:   osc-secnum-fr1, as shop-2
    New app ID:    N/A
    Status:        running
    The migration is running; it goes on when you leave.

    ✔ Prepare 1 step, 2.5 s
    Data
      ⣾ Copy db..."
  `);
});

test('finalize that runs again after a rollback is the current phase, without the steps that it has not come to', () => {
  const at = (second: number) => ({
    startedAt: `2026-01-02T03:04:0${second}.000Z`,
    finishedAt: `2026-01-02T03:04:0${second}.500Z`,
    status: 'done' as const,
  });
  const steps = [
    { ...newStep('finalize', 'Check again'), ...at(5), status: 'running' as const, finishedAt: null },
    { ...newStep('finalize', 'Switch'), ...at(2) },
    { ...newStep('rollback', 'Switch back'), ...at(4) },
  ];
  const change = { id: 'ID', status: 'running' as const, steps };
  const text = block({ ...newMigration(), ...switched(2, change) }, { ...moment, now: Date.parse(at(6).startedAt) });
  expect(text.split('\n\n')[1]).toMatchInlineSnapshot(`
    "✔ Rollback 1 step, 500 ms
    Finalize
      ⣾ Check again...
      db back to osc-secnum-fr1 · live · in-sync · 1.5 MB copied · 1.2 kB behind · 30 ms
      uploads back to osc-secnum-fr1 · live · in-sync · 1.5 MB copied · 1.2 kB behind · 30 ms"
  `);
});

describe('lines', () => {
  class Lines extends Writable implements Output {
    text = '';
    override _write(chunk: Buffer, _: BufferEncoding, done: () => void) {
      this.text += chunk.toString();
      done();
    }
  }
  const at = (ago: number) => new Date(Date.now() - ago).toISOString();

  test('the head comes once, a short step has one line, a long one says that it goes on', () => {
    const out = new Lines();
    const before: Migration = { ...newMigration(), status: 'prepared', steps: [{ ...newStep('prepare', 'Lock') }] };
    const screen = new LineScreen(out, paint, before);
    const short = { ...newStep('data', 'Provision'), startedAt: at(50) };
    screen.show({ ...before, status: 'running', steps: [...before.steps, short] });
    expect(out.text).toBe('');
    const progress = { done: 0, total: null, unit: 'bytes' as const, note: 'db copying' };
    const long = { ...newStep('data', 'Copy'), startedAt: at(2_500), progress };
    const done = { ...short, status: 'done' as const, finishedAt: at(40) };
    screen.show({ ...before, status: 'running', steps: [...before.steps, done, long] });
    screen.show({ ...before, status: 'data-migrated', steps: [...before.steps, done, long] });
    screen.close();
    expect(out.text.replace(/\d+ ms/, 'N ms').split('\n')).toEqual([
      'data      ✔ Provision Done! N ms',
      'data      … Copy... db copying',
      'Status: data-migrated',
      '',
    ]);
    const first = new LineScreen(out, paint);
    first.show(before);
    first.show(before);
    first.close();
    expect(out.text.match(/Migration ID/g)).toHaveLength(1);
  });
});

describe('the live screen', () => {
  class Terminal extends Writable implements Output {
    readonly isTTY = true;
    readonly rows = 12;
    frames: string[] = [];
    readonly columns = 30;
    override _write(chunk: Buffer, _: BufferEncoding, done: () => void) {
      this.frames.push(chunk.toString());
      done();
    }
  }

  test('never draws wider or higher than the terminal, and shows everything in the end', () => {
    const terminal = new Terminal();
    const screen = new LiveScreen(terminal, paint);
    const steps = Array.from({ length: 20 }, (_, i) =>
      step({ id: `${i}`, name: `Import part number ${i}`, status: 'done' }),
    );
    screen.show({ ...newMigration(), status: 'running', steps });
    const lines = (frame: string) =>
      frame
        .replace(/\x1b\[\??[0-9;]*[A-Za-z]/g, '')
        .trimEnd()
        .split('\n');
    const drawn = lines(terminal.frames.at(-1)!);
    expect(drawn.length).toBeLessThanOrEqual(10);
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(30);
    screen.close();
    expect(terminal.frames.join('')).toContain('\x1b[?25h');
    expect(lines(terminal.frames.at(-2)!).join('')).toContain('part number 0');
  });
});

test('DNS: what each record should become', () => {
  expect(dnsLines(['a.example'], '203.0.113.20')).toEqual(['A record of a.example should become 203.0.113.20']);
  expect(dnsLines(['a.example'], '2001:db8::1')).toEqual(['AAAA record of a.example should become 2001:db8::1']);
  expect(dnsLines(['a.example'], 'fr.example.org')[0]).toContain(
    'CNAME record of a.example should become fr.example.org',
  );
});

describe('the stream of changes', () => {
  const lost = () => new StorkyError('server_unreachable', { address: 'x', detail: 'gone' });
  /** Each watch gives what is in its list, or fails with it. */
  function apiOf(...watches: (Migration | Error)[][]): ControlClient {
    const watch = async () =>
      (async function* () {
        for (const item of watches.shift() ?? []) {
          if (item instanceof Error) throw item;
          yield item;
        }
      })();
    return { migrations: { watch } } as unknown as ControlClient;
  }
  async function seen(api: ControlClient, options: { before?: Migration; patienceMs?: number } = {}) {
    const [statuses, notes]: [string[], (string | null)[]] = [[], []];
    const { signal } = new AbortController();
    for await (const { status } of changesOf(
      api,
      { app: 'shop', id: 'x' },
      { signal, onLost: (note) => notes.push(note), ...options },
    ))
      statuses.push(status);
    return { statuses, notes };
  }
  const at = (status: Migration['status'], failedPhase: Migration['failedPhase'] = null): Migration => ({
    ...newMigration(),
    status,
    failedPhase,
  });

  test('what was before a phase was started is not taken for its end', async () => {
    const before = at('error', 'data');
    const api = apiOf([before], [before, at('running'), at('data-migrated')]);
    expect((await seen(api, { before })).statuses).toEqual(['running', 'data-migrated']);
  });

  test('a server that restarts is waited for, with a note', async () => {
    const api = apiOf([at('running'), lost()], [lost()], [at('running'), at('prepared')]);
    expect(await seen(api)).toEqual({
      statuses: ['running', 'running', 'prepared'],
      notes: ['Connection lost. Reconnecting (1)…', 'Connection lost. Reconnecting (2)…', null],
    });
  });

  test('a server that stays away is an error in the end; another error is one at once', async () => {
    await expect(seen(apiOf([lost()], [lost()], [lost()]), { patienceMs: 100 })).rejects.toThrow('does not answer');
    await expect(seen(apiOf([new StorkyError('unauthorized')]))).rejects.toThrow('does not know this token');
  });
});
