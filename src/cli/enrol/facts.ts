import { StorkyError } from '../../protocol/errors.ts';
import type { SshConnection } from '../../ssh/connection.ts';

/** What a host is and what its user may do there. */
export interface Facts {
  user: string;
  root: boolean;
  /** As Node calls them. */
  platform: string;
  architecture: string;
  /** Everything of Storky is below it. */
  folder: string;
  freeBytes: number;
  systemd: boolean;
  /** The user's own services run, also when nobody is logged in, or can be made to. */
  userServices: boolean;
  cron: boolean;
  docker: boolean;
  /** Of Docker, where the account was told of another one than the usual. */
  dockerSocket: string | null;
  /** By Docker it may do what root may, and Storky is not there in another way yet. */
  containers: boolean;
}

/** Changes nothing there: whether the account may linger can only be tried, and is taken back. Throws `host_not_fit`. */
export async function factsOf(ssh: SshConnection): Promise<Facts> {
  const { stdout } = await ssh.script(asking);
  const said = new Map(stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
  const get = (name: string) => said.get(name) ?? '';
  const facts: Facts = {
    user: get('user'),
    root: get('uid') === '0',
    platform: get('system').toLowerCase(),
    architecture: architectures[get('machine')] ?? get('machine'),
    folder: get('folder'),
    freeBytes: Number(get('free')) * 1024,
    systemd: get('systemd') === 'yes',
    userServices: get('linger') === 'yes',
    cron: get('cron') === 'yes',
    docker: get('docker') === 'yes',
    dockerSocket: /^unix:\/\/(.+)/.exec(get('docker_host'))?.[1] ?? null,
    containers: get('containers') === 'yes',
  };
  refuseUnfit(ssh.destination, facts, get('tools'));
  return facts;
}

const asking = `
say() { printf '%s=%s\\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
yes_if() { name=$1; shift; if "$@" >/dev/null 2>&1; then say "$name" yes; else say "$name" no; fi; }
say user "$(id -un)"; say uid "$(id -u)"; say system "$(uname -s)"; say machine "$(uname -m)"
may_docker() { has docker && docker version; }
yes_if docker may_docker; say docker_host "$DOCKER_HOST"
if [ "$(id -u)" = 0 ]; then folder=/var/lib/storky; else folder=\${XDG_DATA_HOME:-$HOME/.local/share}/storky; fi
root_by_docker() {
  [ "$(id -u)" != 0 ] && [ ! -d "$folder/agents" ] && may_docker && ! docker info -f '{{.SecurityOptions}}' | grep -q rootless
}
yes_if containers root_by_docker
root_by_docker >/dev/null 2>&1 && folder=/var/lib/storky-$(id -un)
say folder "$folder"
near=$folder; while [ ! -d "$near" ]; do near=$(dirname "$near"); done
say free "$(df -Pk "$near" | awk 'NR==2 { print $4 }')"
running() { [ -d /run/systemd/system ] && has systemctl; }
yes_if systemd running
may_linger() { [ -e "/var/lib/systemd/linger/$(id -un)" ] || { loginctl enable-linger && loginctl disable-linger; }; }
lingers() { running && systemctl --user show-environment && may_linger; }
[ "$(id -u)" = 0 ] && say linger no || yes_if linger lingers
may_cron() { has crontab && { crontab -l || crontab -l 2>&1 | grep -qi 'no crontab'; } && pidof cron crond; }
yes_if cron may_cron
missing=; for tool in tar gzip awk sed setsid nohup; do has $tool || missing="$missing $tool"; done
say tools "$missing"
`;

const architectures: Record<string, string> = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', arm64: 'arm64' };

const neededBytes = 400 * 1024 * 1024;

function refuseUnfit(host: string, facts: Facts, missing: string): void {
  const unfit = (detail: string, hint: string) => new StorkyError('host_not_fit', { host, detail, hint });
  if (facts.platform !== 'linux') throw unfit(`it runs ${facts.platform}`, 'Use a host that runs Linux.');
  if (missing !== '') throw unfit(`it lacks${missing}`, 'Install what it lacks, and run the command again.');
  if (facts.freeBytes < neededBytes)
    throw unfit(`${facts.folder} has less than 400 MB of room`, 'Make room there, and run the command again.');
}
