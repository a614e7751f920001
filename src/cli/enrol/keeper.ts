import { type Places, quoted } from './places.ts';

/** Where the account that logs in is the agent's. */
export const withOwnRights = 'as_agent() { sh -s; }\nleave_host() { :; }\n';

/** A loop of the shell in the place of a service manager; with cron, `@reboot` begins it again. */
export function keeper(places: Places, cron: boolean): string {
  const { agent, region } = places;
  const line = `@reboot ${quoted(`${agent}/keep.sh`).replaceAll('%', '\\%')} # storky ${region}`;
  const others = `{ crontab -l 2>/dev/null | grep -vF ${quoted(`# storky ${region}`)}; true; }`;
  return `
install_service() {
${writeKeeper(places)}
${cron ? `  { ${others}; echo ${quoted(line)}; } | crontab -` : '  :'}
}
start_agent() { stop_agent; ${quoted(`${agent}/keep.sh`)}; }
${endKept(places)}
stop_agent() { end_kept keep.pid; end_kept agent.pid; }
remove_service() {
${cron ? `  left=$(${others}); if [ -n "$left" ]; then printf '%s\\n' "$left" | crontab -; else crontab -r 2>/dev/null; fi; true` : '  :'}
}
last_words() { tail -n 5 ${quoted(`${agent}/agent.log`)} 2>/dev/null; }
${withOwnRights}`;
}

/** Shell: writes the loop. With `kept` it runs in the foreground; at most one of them runs. */
export const writeKeeper = ({ agent, region }: Places): string => `
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
  chmod 700 ${quoted(`${agent}/keep.sh`)}`;

/** Shell: a function that ends the process of a file, and waits until it has ended. */
export const endKept = ({ agent, region }: Places): string => `
end_kept() {
  cd ${quoted(agent)} 2>/dev/null || return 0
  read -r pid 2>/dev/null < $1 || return 0
  grep -qsF -e ./keep.sh -e ${quoted(region)} "/proc/$pid/cmdline" && kill "$pid" 2>/dev/null
  n=0; while [ -d "/proc/$pid" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
  rm -f $1
}`;
