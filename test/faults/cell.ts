import type { Phase } from '../../src/protocol/migration.ts';

/** To a step, `source` is the side that serves when its phase begins, and `target` the other one. */
export const sides = ['source', 'target'] as const;
export type Side = (typeof sides)[number];

export const engines = ['postgresql', 'mariadb', 'redis'] as const;
export const parts = ['agent', 'router', ...engines, 'web', 'worker', 'link', 'disk'] as const;
export type Part = (typeof parts)[number];

/**
 * What is hit: a process, the disk that a region has its folder on, or the network: of one region to everybody but its
 * visitors, between the two regions, or between the server and both.
 */
export type Victim = 'server' | 'regions-link' | 'server-link' | `${Side}-${Part}`;

export const faults = ['kill', 'stop', 'cut', 'slow', 'full'] as const;
export type Fault = (typeof faults)[number];

/** One of the matrix: this fault for that victim, in the moment of the step. */
export interface Cell {
  phase: Phase;
  /** As in the journal; those of an abort begin with `abort.`. */
  step: string;
  victim: Victim;
  fault: Fault;
}

export const idOf = ({ step, victim, fault }: Cell): string => `${step}/${victim}/${fault}`;

export function inWords({ step, victim, fault }: Cell): string {
  const networks: Partial<Record<Victim, string>> = {
    'regions-link': 'the network between the regions',
    'server-link': 'the network between the server and the regions',
  };
  const what = networks[victim] ?? victim.replace('-', "'s ");
  const done = {
    kill: `${what} is killed`,
    stop: `${what} stands still for 20 s`,
    cut: `${what} is cut`,
    slow: `${what} is slow`,
    full: `${what} is full`,
  };
  return `${done[fault]} in ${step}`;
}
