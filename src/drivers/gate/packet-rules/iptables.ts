import { readFileSync, writeFileSync } from 'node:fs';
import { StorkyError } from '../../../protocol/errors.ts';
import { type GateOrder, gateLifeMs, type Standing } from '../contract.ts';
import { run } from '../run.ts';
import { alsoFromTheHost, commentOf, commentPrefix, type Family, familiesOf, type Turn, turnsOf } from './rules.ts';
import type { Tool } from './tool.ts';

/**
 * Rules before all others of the `nat` table, found again by their comment. They match only while a mark in the kernel's
 * list of recent addresses is young: `--mask` makes every address the same one, so a single entry stands for all.
 */
export const iptables: Tool = {
  name: 'iptables',

  async unusable() {
    const { code, stderr } = await run(['iptables-save', '-t', 'nat']);
    return code === 0 ? undefined : stderr.trim().split('\n')[0];
  },

  async insert(order) {
    for (const family of await familiesHere()) {
      const before = await ownRules(family, order.app);
      const after = rulesOf(order, family);
      await change(family, order.app, [...before.map(taken), ...after]);
    }
  },

  async renew(order) {
    for (const family of await familiesHere()) {
      if (rulesOf(order, family).length === 0) continue;
      writeFileSync(marksOf(order.app, family), `+${nowhere[family]}\n`, { flag: 'r+' });
    }
  },

  async lapse({ app }) {
    for (const family of await familiesHere()) forget(app, family);
  },

  async verify(order): Promise<Standing> {
    let all = true;
    let none = true;
    for (const family of await familiesHere()) {
      const own = await ownRules(family, order.app);
      const wanted = rulesOf(order, family);
      if (own.length > 0) none = false;
      const right = own.filter((rule) => rule.includes(commentOf(order))).length === wanted.length;
      if (!right || own.length !== wanted.length || (wanted.length > 0 && !young(order.app, family))) all = false;
    }
    if (none) return 'out';
    return all ? 'in' : 'partly';
  },

  async remove(app) {
    for (const family of await familiesHere()) {
      const own = await ownRules(family, app);
      if (own.length > 0) await change(family, app, own.map(taken));
    }
  },
};

const programs = { ip: 'iptables', ip6: 'ip6tables' };
const nowhere = { ip: '0.0.0.0', ip6: '::' };

/** Where the kernel has no translation for IPv6 nothing is published by it either, but by a process of the host. */
async function familiesHere(): Promise<Family[]> {
  const { code } = await run(['ip6tables-save', '-t', 'nat']);
  return code === 0 ? ['ip', 'ip6'] : ['ip'];
}

async function ownRules(family: Family, app: string): Promise<string[]> {
  const { stdout } = await run([`${programs[family]}-save`, '-t', 'nat']);
  return stdout.split('\n').filter((line) => line.startsWith('-A ') && line.includes(commentPrefix(app)));
}

const taken = (rule: string): string => rule.replace(/^-A /, '-D ');

function rulesOf(order: GateOrder, family: Family): string[] {
  return turnsOf(order)
    .filter((turn) => familiesOf(turn).includes(family))
    .flatMap((turn) => {
      const rule = ruleOf(turn, order, family);
      return (alsoFromTheHost(turn) ? ['PREROUTING', 'OUTPUT'] : ['PREROUTING']).map((chain) => `-I ${chain} ${rule}`);
    });
}

function ruleOf({ way, routerPort }: Turn, order: GateOrder, family: Family): string {
  const where = way.address === null ? '-m addrtype --dst-type LOCAL' : `-d ${way.address}`;
  const seconds = gateLifeMs / 1000;
  return [
    `-p tcp ${where} -m tcp --dport ${way.port}`,
    `-m recent --rcheck --seconds ${seconds} --name ${listOf(order.app, family)} --mask ${nowhere[family]} --rdest`,
    `-m comment --comment "${commentOf(order)}" -j REDIRECT --to-ports ${routerPort}`,
  ].join(' ');
}

async function change(family: Family, app: string, lines: string[]): Promise<void> {
  const input = ['*nat', ...lines, 'COMMIT', ''].join('\n');
  const { code, stderr } = await run([`${programs[family]}-restore`, '--noflush', '--wait', '5'], input);
  if (code === 0) return;
  throw new StorkyError('gate_not_inserted', { app, detail: `${programs[family]}: ${stderr.trim().split('\n')[0]}` });
}

const listOf = (app: string, family: Family): string => `storky_${app}_${family}`;

/** Exists as long as a rule names it. */
const marksOf = (app: string, family: Family): string => `/proc/net/xt_recent/${listOf(app, family)}`;

function forget(app: string, family: Family): void {
  try {
    writeFileSync(marksOf(app, family), '/\n', { flag: 'r+' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Whether there is a mark at all: its age is in ticks of the kernel, and `renew` follows at once. */
function young(app: string, family: Family): boolean {
  try {
    return readFileSync(marksOf(app, family), 'utf8').includes('last_seen');
  } catch {
    return false;
  }
}
