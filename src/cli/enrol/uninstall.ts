import type { SshConnection } from '../../ssh/connection.ts';
import { factsOf } from './facts.ts';
import { placesOf, quoted } from './places.ts';
import { type Supervision, serviceScript } from './supervision.ts';

/** Ends the agent and its router and removes everything of the region from its host. Can be repeated. */
export async function uninstall(ssh: SshConnection, region: string): Promise<void> {
  const { folder } = await factsOf(ssh);
  const places = placesOf(folder, region, '');
  const { agent, data, root } = places;
  const { stdout } = await ssh.script(`cat ${quoted(`${agent}/supervision`)} 2>/dev/null`, { mayFail: true });
  const supervision = (stdout.trim() || 'none') as Supervision;
  await ssh.script(`
${serviceScript(supervision, places)}
stop_agent
as_agent <<'SCRIPT'
# Every process that was started with this region's folder: the router.
ours() { grep -lsF ${quoted(`${data}/`)} /proc/[0-9]*/cmdline 2>/dev/null | grep -v "^/proc/$$/" | cut -d/ -f3; }
for pid in $(ours); do kill "$pid" 2>/dev/null; done
n=0; while [ -n "$(ours)" ] && [ $n -lt 150 ]; do sleep 0.1; n=$((n+1)); done
for pid in $(ours); do kill -9 "$pid" 2>/dev/null; done
SCRIPT
remove_service
as_agent <<'SCRIPT' || exit 1
cd /
rm -rf ${quoted(agent)} ${quoted(data)} || exit
cd ${quoted(root)} 2>/dev/null || exit 0
rmdir agents regions 2>/dev/null
[ -d agents ] || rm -rf programs
cd / && rmdir ${quoted(root)} 2>/dev/null
exit 0
SCRIPT
leave_host
`);
}
