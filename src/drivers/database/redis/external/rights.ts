import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { markerChannel } from '../names.ts';
import { ask, type Client, type Command } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';
import { ifAllowed, type Verdict, verdictOn, verdictsOn } from './refusals.ts';

interface Need {
  id: string;
  what: string;
  commands: Command[];
  rules: string;
  /** With this the move is as safe; without it, that is lost. */
  without?: string;
}

const transactions = '+multi +exec +discard ';
const nobody = 'storky_nobody';

const needs: Need[] = [
  {
    id: 'right-accounts',
    what: 'it may make an account for the target, and shut the others out at the switch',
    commands: [
      ['ACL', 'LIST'],
      ['ACL', 'SETUSER', nobody, 'off'],
      ['ACL', 'DELUSER', nobody],
    ],
    rules: '+acl|list +acl|setuser +acl|deluser',
  },
  {
    id: 'right-end-sessions',
    what: 'it may see the replicas, and end the sessions of others at the switch',
    commands: [
      ['CLIENT', 'LIST', 'TYPE', 'REPLICA'],
      ['CLIENT', 'KILL', 'USER', nobody],
    ],
    rules: '+client|list +client|kill',
  },
  {
    id: 'right-pause',
    what: 'it may pause every writer, and write the marker, in one transaction',
    commands: [
      ['CLIENT', 'PAUSE', 1, 'WRITE'],
      ['CLIENT', 'UNPAUSE'],
      ['SPUBLISH', markerChannel, ''],
      ['INFO', 'replication'],
    ],
    rules: `${transactions}+client|pause +client|unpause +spublish &${markerChannel} +info`,
  },
  {
    id: 'right-settings',
    what: 'it may read and change settings',
    commands: [
      ['CONFIG', 'GET', 'save'],
      ['CONFIG', 'SET', 'repl-ping-replica-period', 10],
    ],
    rules: '+config|get +config|set',
    without:
      'of the settings only maxmemory and its policy come along, the backlog stays as large as it is, and a freeze in which the server says a second ping backs out',
  },
  {
    id: 'right-save-users',
    what: 'it may write the users down',
    commands: [['ACL', 'SAVE']],
    rules: '+acl|save',
    without: 'the seal ends with a restart of the server',
  },
];

export const readsForBackup: Need = {
  id: 'right-backup',
  what: 'it may read every key, which the carrier backup needs',
  commands: [
    ['SELECT', 0],
    ['SCAN', 0],
    ['DUMP', 'storky'],
    ['PEXPIRETIME', 'storky'],
    ['FUNCTION', 'DUMP'],
  ],
  rules: '~* +select +scan +dump +pexpiretime +function|dump',
};

const fills: Need[] = [
  {
    id: 'right-accounts',
    what: "it may make the app's account, and take it away again",
    commands: [
      ['ACL', 'LIST'],
      ['ACL', 'SETUSER', nobody, 'off'],
      ['ACL', 'DELUSER', nobody],
    ],
    rules: '+acl|list +acl|setuser +acl|deluser',
  },
  {
    id: 'right-fill',
    what: 'it may write every key, and take all away again where the move is given up',
    commands: [
      ['SELECT', 0],
      ['RESTORE', 'storky', 0, ''],
      ['FUNCTION', 'RESTORE', ''],
      ['FUNCTION', 'LIST'],
      ['FUNCTION', 'FLUSH'],
      ['FLUSHALL'],
      ['INFO', 'keyspace'],
    ],
    rules: '~* +select +restore +function|restore +function|list +function|flush +flushall +info',
  },
];

/** The same, to be filled by a move. */
export async function checkRightsToFill(
  client: Client,
  { adminUser, host, external }: DatabaseInstance,
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const need of fills) found.push(await finding(client, adminUser, need));
  const lasts = await keepsUsers(client, "the app's account ends");
  return [...found, lasts, isEncrypted(host, external!.parameters)];
}

/**
 * What the administrator's account of a server that Storky does not run must be able to do, to be followed live and to be
 * switched without a loss. Each finding names the statement that gives what is missing.
 */
export async function checkRights(client: Client, { adminUser, host, external }: DatabaseInstance): Promise<Finding[]> {
  const live = [await follows(client)];
  for (const need of needs) live.push(await finding(client, adminUser, need));
  const lost = live.some(({ verdict }) => verdict === 'fail');
  const backup = await finding(client, adminUser, readsForBackup);
  const noBackup =
    backup.verdict === 'pass' ? [] : [{ ...backup, verdict: lost ? ('fail' as const) : ('warn' as const) }];
  return [
    ...live,
    ...noBackup,
    await hasReplicas(client, adminUser),
    await keepsUsers(client, 'the seal ends'),
    isEncrypted(host, external!.parameters),
  ];
}

async function finding(client: Client, admin: string, need: Need): Promise<Finding> {
  const verdicts = await verdictsOn(client, need.commands);
  const bad = verdicts.findIndex((verdict) => verdict !== 'may');
  if (bad === -1) return { id: need.id, verdict: 'pass', detail: need.what, remedy: null };
  const { without } = need;
  const detail = `missing: ${need.what}${without ? `; without it, ${without}` : ''}`;
  const remedy = remedyFor(verdicts[bad]!, need.commands[bad]!, admin, need.rules);
  return { id: need.id, verdict: without ? 'warn' : 'fail', detail, remedy };
}

function remedyFor(verdict: Verdict, command: Command, admin: string, rules: string): string {
  if (verdict !== 'command')
    return `Run: ACL SETUSER ${admin} ${verdict === 'transaction' ? transactions : ''}${rules}`;
  const name = command.slice(0, 2).filter((word) => /^[A-Z]+$/.test(String(word)));
  return `Ask who runs the server for the command ${name.join(' ')}: it is taken away there, or has another name.`;
}

/** The account that is made for the target has the right; it is of no use where the command is taken away. */
async function follows(client: Client): Promise<Finding> {
  const id = 'replication';
  // An offset that is none: nothing begins.
  const verdict = await verdictOn(client, ['PSYNC', '?', 'none']);
  if (verdict !== 'command') return { id, verdict: 'pass', detail: 'the server lets replicas follow it', remedy: null };
  const remedy = 'Ask who runs the server for the command PSYNC, or use the carrier `backup`.';
  return { id, verdict: 'fail', detail: 'the server lets no replica follow it', remedy };
}

/** Whoever watches over the server may take it for dead when they are cut off. */
async function hasReplicas(client: Client, admin: string): Promise<Finding> {
  const id = 'other-replicas';
  const { connected_slaves: count = '0' } = (await ifAllowed(infoOf(client, 'replication'))) ?? {};
  if (count === '0') return { id, verdict: 'pass', detail: 'nobody else follows the server', remedy: null };
  return {
    id,
    verdict: 'warn',
    detail: `replicas follow the server (${count}): at the switch those are cut off that log in with another account than ${admin}`,
    remedy: `Let them log in as ${admin} (masteruser), or end them before the switch.`,
  };
}

async function keepsUsers(client: Client, what: string): Promise<Finding> {
  const id = 'users-file';
  const answer = await ifAllowed(ask<string[]>(client, 'CONFIG', 'GET', 'aclfile'));
  if (answer?.[1]) return { id, verdict: 'pass', detail: 'the server keeps its users in a file', remedy: null };
  return {
    id,
    verdict: 'warn',
    detail: answer
      ? `the server has no file of users: ${what} with a restart of it`
      : `nobody can tell whether the server keeps its users in a file: else ${what} with a restart of it`,
    remedy: 'Give the server an aclfile, or do the same once more after a restart.',
  };
}

function isEncrypted(host: string, { tls, insecure }: Record<string, string>): Finding {
  const id = 'encryption';
  const here = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (here || (tls === 'yes' && insecure !== 'yes'))
    return {
      id,
      verdict: 'pass',
      detail: 'the way to the server is encrypted and proven, or is this host',
      remedy: null,
    };
  return {
    id,
    verdict: 'warn',
    detail: tls === 'yes' ? 'the way is encrypted, but nobody proves whose it is' : 'the way is not encrypted',
    remedy: 'Give an address with rediss://, and with ?cacert=FILE where its authority is not a public one.',
  };
}
