import { expect, test } from 'vitest';
import { recordParts } from '../../protocol/app-record/record.ts';
import { canonicalJson } from './canonical.ts';
import { masked, maskedUrl } from './masking.ts';
import { digestPart, exportPart, withoutPart, withPart } from './record-parts.ts';
import { record } from './region.test-support.ts';

const shop = record({
  name: 'shop',
  processes: { web: { command: 'node web.js' } },
  environment: { B: '2', A: '1' },
  collaborators: [
    { email: 'a@example.org', status: 'accepted' },
    { email: 'b@example.org', status: 'pending' },
  ],
  notifiers: [{ name: 'ops', type: 'slack', webhookUrl: 'https://hooks.example.org/services/T0/secret' }],
  alerts: [{ processType: 'web', metric: 'cpu', limit: 0.9, notifiers: ['ops'] }],
  logDrains: [{ type: 'syslog', url: 'tcp+tls://user:token@logs.example.org:6514' }],
  domains: [{ name: 'shop.example.org', certificate: 'CERT', key: 'KEY' }],
  scm: { type: 'git', source: 'https://token@git.example.org/me/shop.git' },
});
const empty = record({ name: 'shop' });

test('every part that is exported and imported has the same digest on the other side', () => {
  let there = empty;
  for (const part of recordParts) {
    there = withPart(there, part, JSON.parse(JSON.stringify(exportPart(shop, part))));
    expect(digestPart(there, part)).toEqual(digestPart(shop, part));
  }
});

test('a digest does not depend on the order of keys, and changes with any value', () => {
  const other = { ...shop, environment: { A: '1', B: '2' } };
  expect(digestPart(other, 'environment')).toEqual(digestPart(shop, 'environment'));
  expect(digestPart(shop, 'environment')).toEqual({
    digest: '3eda2f06741f1d082a60e34bf134dace8b60136ae69b552a2137bd898f27ea85',
    items: 2,
  });
});

test('canonical JSON', () => {
  expect(canonicalJson({ b: [1, undefined, { d: 'x', c: null }], a: undefined, é: 'ü' })).toBe(
    '{"b":[1,null,{"c":null,"d":"x"}],"é":"ü"}',
  );
});

test('only collaborators who have accepted are counted and moved', () => {
  expect(digestPart(shop, 'collaborators').items).toBe(1);
  expect(exportPart(shop, 'collaborators')).toMatchObject([{ email: 'a@example.org' }]);
});

test('parts can be taken away again, backwards', () => {
  let there = shop;
  for (const part of [...recordParts].reverse()) there = withoutPart(there, part);
  expect(there).toEqual(empty);
});

test('a part that does not fit is refused with its path', () => {
  expect(() => withPart(empty, 'alerts', shop.alerts)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  expect(() => withPart(empty, 'settings', { nonsense: 1 })).toThrow(expect.objectContaining({ code: 'bad_request' }));
});

test('nothing secret is shown', () => {
  const shown = JSON.stringify(masked(shop));
  for (const secret of ['"1"', '"2"', 'KEY', 'secret', 'token', 'user:']) expect(shown).not.toContain(secret);
  expect(masked(shop).domains[0]!.certificate).toBe('CERT');
  expect(record(masked(shop) as never)).toEqual(masked(shop)); // still a valid record
});

test.each([
  ['https://h.example.org/a/b?c=d', 'https://h.example.org/********'],
  ['tcp+tls://u:p@h.example.org:6514', 'tcp+tls://********@h.example.org:6514'],
  ['https://h.example.org', 'https://h.example.org'],
  ['?token=x', '********'],
])('%s is shown as %s', (url, shown) => expect(maskedUrl(url)).toBe(shown));
