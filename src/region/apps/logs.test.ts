import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp-folder.ts';
import { readLogs, rotateLogs } from './logs.ts';
import { tail } from './tail.ts';

test('the last lines of a file, however long it is', () => {
  const path = join(tempFolder('tail'), 'x.log');
  expect(tail(path, 5)).toEqual([]);
  const lines = Array.from({ length: 30_000 }, (_, n) => `line ${n} ä`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  expect(tail(path, 3)).toEqual(lines.slice(-3));
  expect(tail(path, 20_000)).toEqual(lines.slice(-20_000));
  appendFileSync(path, 'unfinished');
  expect(tail(path, 2)).toEqual([lines.at(-1), 'unfinished']);
});

test('each process gets its share, with its name', () => {
  const folder = tempFolder('logs');
  for (const [label, text] of [
    ['web.1', 'a\nb\nc\n'],
    ['web.2', 'd\n'],
    ['worker.1', 'e\nf\n'],
  ])
    writeFileSync(join(folder, `${label}.log`), text!);
  expect(readLogs(folder, 6).map(({ process, line }) => `${process} ${line}`)).toEqual([
    'web.1 b',
    'web.1 c',
    'web.2 d',
    'worker.1 e',
    'worker.1 f',
  ]);
  expect(readLogs(folder, 10, 'web').map(({ line }) => line)).toEqual(['a', 'b', 'c', 'd']);
  expect(readLogs(folder, 10, 'web.2').map(({ line }) => line)).toEqual(['d']);
  expect(readLogs(folder, 10, 'we')).toEqual([]);
  expect(readLogs(join(folder, 'none'), 10)).toEqual([]);
});

test('a log that has grown is copied aside while its process goes on writing', () => {
  const folder = tempFolder('rotate');
  const path = join(folder, 'web.1.log');
  const fd = openSync(path, 'a');
  for (let n = 1; n <= 5; n++) {
    writeSync(fd, `${`${n}`.repeat(100)}\n`);
    rotateLogs(folder, 50);
  }
  writeSync(fd, 'last\n');
  closeSync(fd);
  expect(readFileSync(path, 'utf8')).toBe('last\n');
  expect([1, 2, 3].map((n) => readFileSync(`${path}.${n}`, 'utf8')[0])).toEqual(['5', '4', '3']);
  expect(existsSync(`${path}.4`)).toBe(false);
  expect(readLogs(folder, 2).map(({ line }) => line[0])).toEqual(['5', 'l']);
  rotateLogs(folder, 50);
  expect(statSync(path).size).toBe(5);
});
