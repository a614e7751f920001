import { ownLabel } from '../../protocol/discovery.ts';
import { endKept, writeKeeper } from './keeper.ts';
import { type Places, quoted } from './places.ts';

const image = 'storky-host';

/** Beside those that Docker gives to every container: not all that there are, which some hosts lack themselves. */
const capabilities = ['NET_ADMIN', 'SYS_ADMIN', 'SYS_PTRACE', 'DAC_READ_SEARCH'];

/**
 * The agent in a container that is the host itself: with its network, its processes and its files, where an account may use
 * Docker and nothing else. Docker starts it again after a crash and a boot. The image is empty: what runs is the host's own.
 */
export function inContainer(places: Places): string {
  const { region, agent } = places;
  const name = quoted(`storky-agent-${region}`);
  const inside = (command: string) => `/bin/sh -c ${quoted(`exec chroot /host ${command}`)}`;
  return `
${asHost}
install_service() {
  docker image inspect ${image} >/dev/null 2>&1 || tar -cf - -T /dev/null | docker import - ${image} >/dev/null || return
${writeKeeper(places)}
  docker container inspect ${name} >/dev/null 2>&1 && return
  as_host create --name ${name} --label ${ownLabel}=${quoted(region)} --restart always --log-opt max-size=1m \\
    -- ${image} ${inside(`${quoted(`${agent}/keep.sh`)} kept`)} >/dev/null
}
# The router and the apps are in the container with the agent: it goes on, and its loop starts the new agent.
start_agent() {
  [ "$(docker container inspect -f '{{.State.Running}}' ${name} 2>/dev/null)" = true ] || { docker start ${name} >/dev/null; return; }
  as_agent <<'SCRIPT'
${endKept(places)}
end_kept agent.pid
SCRIPT
}
stop_agent() {
  docker update --restart no ${name} >/dev/null 2>&1
  as_agent <<'SCRIPT'
${endKept(places)}
end_kept agent.pid; end_kept keep.pid
SCRIPT
}
remove_service() { docker rm -f -v ${name} >/dev/null 2>&1; :; }
leave_host() { docker rmi ${image} >/dev/null 2>&1; :; }
last_words() { tail -n 5 ${quoted(`${agent}/agent.log`)} 2>/dev/null; docker logs --tail 5 ${name} 2>&1; }
as_agent() { as_host run --rm -i -- ${image} ${inside('/bin/sh -s')}; }
`;
}

/** Shell: makes the folder of this account's installation, which only the host's root can. */
export const makeFolder = (folder: string): string => `
${asHost}
docker image inspect ${image} >/dev/null 2>&1 || tar -cf - -T /dev/null | docker import - ${image} >/dev/null || exit
as_host run --rm -i -- ${image} /bin/sh -c 'exec chroot /host /bin/sh -s' <<SCRIPT
[ -d ${quoted(folder)} ] || { mkdir -m 755 ${quoted(folder)} && chown "$(id -u):$(id -g)" ${quoted(folder)}; }
SCRIPT
`;

/**
 * `as_host <create or run, with options> -- <image and command>`. The programs of the host, to begin with; its files at /host,
 * with what is mounted there later, where its mounts are shared at all.
 */
const asHost = `
as_host() {
  own=; what=$1; shift
  while [ "$1" != -- ]; do own="$own $1"; shift; done
  shift
  for dir in bin sbin lib lib32 lib64 libx32 usr; do [ -e /$dir ] && own="$own -v /$dir:/$dir:ro"; done
  spread=; case "$(findmnt -no PROPAGATION / 2>/dev/null)" in shared*) spread=:rslave;; esac
  for cap in ${capabilities.join(' ')}; do own="$own --cap-add $cap"; done
  docker $what --security-opt seccomp=unconfined --security-opt apparmor=unconfined --pid host --network host --ipc host --uts host --userns host --cgroupns host \\
    -v /:/host$spread -e PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \\
    -e HOME=/root $own "$@"
}`;
