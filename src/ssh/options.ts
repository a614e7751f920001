/** Options of every call of `ssh`: the user's configuration, agent and jump hosts hold, and dead connections are noticed. */
export function usualOptions(env: Record<string, string | undefined>): string[] {
  const config = env.STORKY_SSH_CONFIG;
  const alive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3', '-o', 'ConnectTimeout=15'];
  return [...(config ? ['-F', config] : []), ...alive, '-o', 'ForwardAgent=no', '-o', 'ForwardX11=no'];
}

/** Only the host that shows this key is spoken to, whatever other files of known hosts say. */
export function pinnedOptions(knownHosts: string, alias: string): string[] {
  const only = ['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null'];
  return [...only, '-o', 'KnownHostsCommand=none', '-o', 'StrictHostKeyChecking=yes', '-o', `HostKeyAlias=${alias}`];
}

export const knownHostsLine = (alias: string, hostKey: string): string => `${alias} ${hostKey}\n`;
