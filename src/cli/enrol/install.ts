import type { SshConnection } from '../../ssh/connection.ts';
import { type Places, quoted } from './places.ts';
import { archives, type Program } from './program.ts';
import { type Supervision, serviceScript } from './supervision.ts';

/** Brings the program, unless the host has it. What is half there from an earlier try is made anew. */
export async function bring(ssh: SshConnection, { program: folder }: Places, program: Program): Promise<boolean> {
  const whole = `${folder}/whole`;
  const { code } = await ssh.script(`[ -e ${quoted(whole)} ]`, { mayFail: true });
  if (code === 0) return false;
  await ssh.script(`umask 077; rm -rf ${quoted(folder)}; mkdir -p ${quoted(folder)}`);
  const { node, rest } = archives(program);
  await ssh.feed(`exec tar -xzf - -C ${quoted(folder)}`, node);
  await ssh.feed(`exec tar -xzf - -C ${quoted(folder)}`, rest);
  const name = quoted(`${folder}/${program.node.split('/').at(-1)}`);
  await ssh.script(`[ ${name} -ef ${quoted(`${folder}/node`)} ] || mv ${name} ${quoted(`${folder}/node`)} || exit
    ${quoted(`${folder}/node`)} --version >/dev/null || exit
    : > ${quoted(whole)}`);
  return true;
}

/** The one that an earlier agent has; else the usual one, or 0 (any) where somebody else listens on that. */
export async function httpPortFor(ssh: SshConnection, { agent }: Places): Promise<number> {
  const { stdout } = await ssh.script(`
sed -n "s/.*'--http-port' '\\([0-9]*\\)'.*/\\1/p" ${quoted(`${agent}/agent.sh`)} 2>/dev/null | grep . ||
  if grep -qs ':1F90 [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6; then echo 0; else echo 8080; fi`);
  return Number(stdout.trim());
}

export interface Start {
  places: Places;
  supervision: Supervision;
  /** Of `storky agent`, beside its name and folder. */
  options: string[];
  /** For the first contact: where the server is for the host, and the token. */
  server: string;
  token: string;
}

/** Starts the agent, in the place of one that runs. Its apps and its router go on meanwhile. */
export async function start(ssh: SshConnection, order: Start): Promise<void> {
  const { places, supervision, server, token } = order;
  const { agent, root } = places;
  await ssh.script(`
umask 077
mkdir -p ${quoted(agent)} ${quoted(`${root}/regions`)} || exit
chmod 755 ${quoted(root)} ${quoted(`${root}/regions`)}
cat > ${quoted(`${agent}/agent.sh`)} <<'AGENT'
${agentScript(order)}AGENT
chmod 700 ${quoted(`${agent}/agent.sh`)}
cat > ${quoted(`${agent}/enrol`)} <<'ENROL'
export STORKY_URL=${quoted(server)} STORKY_TOKEN=${quoted(token)}
ENROL
echo ${supervision} > ${quoted(`${agent}/supervision`)}
${serviceScript(supervision, places)}
install_service && start_agent
`);
}

/** What the agent or its keeper has said last. */
export async function lastWords(ssh: SshConnection, { places, supervision }: Start): Promise<string> {
  const { stdout } = await ssh.script(`${serviceScript(supervision, places)}\nlast_words`, { mayFail: true });
  return stdout.trim();
}

/** The token is of no use any more, and programs of earlier versions are not either. */
export async function tidy(ssh: SshConnection, { agent, root, program }: Places): Promise<void> {
  await ssh.script(`
rm -f ${quoted(`${agent}/enrol`)}
cd ${quoted(`${root}/programs`)} || exit
for one in *; do
  grep -qsF "/programs/$one/" ../agents/*/agent.sh || [ "$one" = ${quoted(program.split('/').at(-1)!)} ] || rm -rf "$one"
done`);
}

function agentScript({ places, options }: Start): string {
  const { region, program, agent, data } = places;
  const command = [
    `${program}/node`,
    `${program}/bin/storky.js`,
    'agent',
    '--name',
    region,
    '--data',
    data,
    ...options,
  ];
  return `#!/bin/sh
# Starts the agent of ${region}; written by \`storky regions-add\`, gone with \`storky regions-remove ${region}\`.
[ -f ${quoted(`${agent}/enrol`)} ] && . ${quoted(`${agent}/enrol`)}
exec ${command.map(quoted).join(' ')}
`;
}
