import type { Facts } from './facts.ts';
import { type Places, quoted } from './places.ts';

/** Who starts the agent again, after a crash and after a reboot. */
export type Supervision = 'system-service' | 'user-service' | 'cron' | 'none';

export function supervisionFor(facts: Facts): Supervision {
  if (facts.systemd && facts.root) return 'system-service';
  if (facts.userServices) return 'user-service';
  return facts.cron ? 'cron' : 'none';
}

export const unitName = (region: string): string => `storky-agent-${region}.service`;

/** The agent alone is ended with the service: its router and apps outlive it, and the next agent finds them. */
export function unitText({ region, agent }: Places, wantedBy: string): string {
  return `[Unit]
Description=Storky agent of ${region}
After=network-online.target docker.service
Wants=network-online.target

[Service]
ExecStart="${`${agent}/agent.sh`.replaceAll('%', '%%')}"
KillMode=process
Restart=always
RestartSec=2

[Install]
WantedBy=${wantedBy}
`;
}

/**
 * Shell functions `install_service`, `start_agent`, `stop_agent`, `remove_service`, `last_words`, and `as_root`, which does
 * nothing where that is not possible; each can be repeated.
 */
export function serviceScript(kind: Supervision, places: Places): string {
  if (kind === 'system-service') return systemd(places, 'systemctl', '/etc/systemd/system', 'multi-user.target');
  if (kind === 'user-service')
    return systemd(places, 'systemctl --user', '"$HOME/.config/systemd/user"', 'default.target', lingering(places));
  return keeper(places, kind === 'cron');
}

function systemd(places: Places, control: string, folder: string, wantedBy: string, more = noMore): string {
  const unit = unitName(places.region);
  return `
install_service() {
  mkdir -p ${folder}
  cat > ${folder}/${unit} <<'UNIT'
${unitText(places, wantedBy)}UNIT
  ${more.install}
  ${control} daemon-reload && ${control} --quiet enable ${unit}
}
start_agent() { ${control} restart ${unit}; }
stop_agent() { ${control} stop ${unit} 2>/dev/null || true; }
remove_service() {
  ${control} --quiet disable ${unit} 2>/dev/null
  rm -f ${folder}/${unit}
  ${control} daemon-reload
  ${more.remove}
}
last_words() { ${control.replace('systemctl', 'journalctl')} -q -n 5 -u ${unit} 2>&1; }
${asRoot}`;
}

const asRoot = `as_root() { [ "$(id -u)" != 0 ] || sh -c "$1"; }\n`;

const noMore = { install: ':', remove: ':' };

/** Services of an account that nobody has logged in to; taken back with its last agent, where it was not so before. */
function lingering({ root }: Places) {
  const mark = quoted(`${root}/agents/lingering`);
  return {
    install: `[ -e "/var/lib/systemd/linger/$(id -un)" ] || { loginctl enable-linger && : > ${mark}; }`,
    remove: `[ -e ${mark} ] && [ "$(ls ${quoted(`${root}/agents`)} | wc -l)" -le 2 ] && loginctl disable-linger && rm -f ${mark}; :`,
  };
}

/** A loop of the shell in the place of a service manager; with cron, `@reboot` begins it again. */
function keeper({ agent, region }: Places, cron: boolean): string {
  const line = `@reboot ${quoted(`${agent}/keep.sh`).replaceAll('%', '\\%')} # storky ${region}`;
  const others = `{ crontab -l 2>/dev/null | grep -vF ${quoted(`# storky ${region}`)}; true; }`;
  return `
install_service() {
  cat > ${quoted(`${agent}/keep.sh`)} <<'KEEP'
#!/bin/sh
# Keeps the agent of ${region} running; at most one of these runs.
cd ${quoted(agent)} || exit 1
if [ "$1" != kept ]; then exec setsid nohup ./keep.sh kept </dev/null >>keep.log 2>&1 & exit; fi
read -r other 2>/dev/null < keep.pid && grep -qs keep.sh "/proc/$other/cmdline" && exit
echo $$ > keep.pid
while :; do
  ./agent.sh >agent.log 2>&1 & echo $! > agent.pid
  wait $!
  sleep 2
done
KEEP
  chmod 700 ${quoted(`${agent}/keep.sh`)}
${cron ? `  { ${others}; echo ${quoted(line)}; } | crontab -` : '  :'}
}
start_agent() { stop_agent; ${quoted(`${agent}/keep.sh`)}; }
stop_agent() {
  cd ${quoted(agent)} || return 0
  for file in keep.pid agent.pid; do
    read -r pid 2>/dev/null < $file || continue
    grep -qsF -e ./keep.sh -e ${quoted(region)} "/proc/$pid/cmdline" && kill "$pid" 2>/dev/null
    n=0; while [ -d "/proc/$pid" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
    rm -f $file
  done
}
remove_service() {
${cron ? `  left=$(${others}); if [ -n "$left" ]; then printf '%s\\n' "$left" | crontab -; else crontab -r 2>/dev/null; fi; true` : '  :'}
}
last_words() { tail -n 5 ${quoted(`${agent}/agent.log`)} 2>/dev/null; }
${asRoot}`;
}
