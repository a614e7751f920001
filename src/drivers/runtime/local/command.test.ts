import { expect, test } from 'vitest';
import { asScript } from './command.ts';

test.each([
  ['node server.js', 'exec node server.js'],
  [' bin/web --port $PORT', 'exec bin/web --port $PORT'],
  ['A=1 node server.js', 'A=1 node server.js'],
  ['cd sub && node server.js', 'cd sub && node server.js'],
  ['cd sub', 'cd sub'],
  ['a | b', 'a | b'],
  ['exec node x', 'exec node x'],
  ['echo $(date)', 'echo $(date)'],
])('%s', (command, script) => expect(asScript(command)).toBe(script));
