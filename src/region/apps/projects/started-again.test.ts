import { expect, it } from 'vitest';
import type { DatabaseInstance } from '../../../drivers/database/contract.ts';
import { restsShut, startedAgain } from './started-again.ts';

const guest = { exec: [], container: 'shop_cache_1', gateway: '172.18.0.1' };
const [keeps, forgets] = [{ guest }, { guest: { ...guest, forgets: true } }] as unknown as DatabaseInstance[];
const epoch = { epoch: 1, migration: null, peer: null, at: '2026-01-02T03:04:05.000Z' };
const [active, passive] = [
  { ...epoch, role: 'active' },
  { ...epoch, role: 'passive' },
] as const;
const [moving, between] = [
  { lockedBy: 'm', quiesced: false, halted: false },
  { lockedBy: 'm', quiesced: true, halted: false },
];

it('who forgets the seal is started by its engine where the app is served, and not while a switch may be on its way', () => {
  expect(startedAgain(moving, active, forgets)).toBe('by its engine');
  expect(startedAgain(between, active, forgets)).toBe('by Storky');
  expect(startedAgain({ ...moving, halted: true }, active, forgets)).toBe('by Storky');
  expect(startedAgain(moving, passive, forgets)).toBe('by Storky');
  for (const [document, role] of [
    [between, active],
    [moving, passive],
  ] as const)
    expect(startedAgain(document, role, keeps)).toBe('by its engine');
});

it('who forgets the seal is not started at all where a switch has left it and no migration has it any more', () => {
  const ended = { lockedBy: null, quiesced: false, halted: false };
  expect(restsShut(ended, passive, forgets!)).toBe(true);
  expect(restsShut(moving, passive, forgets!)).toBe(false);
  expect(restsShut(ended, active, forgets!)).toBe(false);
  expect(restsShut(ended, passive, keeps!)).toBe(false);
});
