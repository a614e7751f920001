import type { Facts } from './facts.ts';
import { inContainer } from './in-container.ts';
import { keeper, withOwnRights } from './keeper.ts';
import { type Places, quoted } from './places.ts';

/** Who starts the agent again, after a crash and after a reboot. */
export type Supervision = 'system-service' | 'container' | 'user-service' | 'cron' | 'none';

export function supervisionFor(facts: Facts): Supervision {
  if (facts.systemd && facts.root) return 'system-service';
  if (facts.containers) return 'container';
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
 * Shell functions `install_service`, `start_agent`, `stop_agent`, `remove_service`, `last_words`, each of which can be repeated,
 * `as_agent`, which runs the script that it reads with the agent's rights, and `leave_host`, after which it cannot.
 */
export function serviceScript(kind: Supervision, places: Places): string {
  if (kind === 'system-service') return systemd(places, 'systemctl', '/etc/systemd/system', 'multi-user.target');
  if (kind === 'user-service')
    return systemd(places, 'systemctl --user', '"$HOME/.config/systemd/user"', 'default.target', lingering(places));
  if (kind === 'container') return inContainer(places);
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
${withOwnRights}`;
}

const noMore = { install: ':', remove: ':' };

/** Services of an account that nobody has logged in to; taken back with its last agent, where it was not so before. */
function lingering({ root }: Places) {
  const mark = quoted(`${root}/agents/lingering`);
  return {
    install: `[ -e "/var/lib/systemd/linger/$(id -un)" ] || { loginctl enable-linger && : > ${mark}; }`,
    remove: `[ -e ${mark} ] && [ "$(ls ${quoted(`${root}/agents`)} | wc -l)" -le 2 ] && loginctl disable-linger && rm -f ${mark}; :`,
  };
}
