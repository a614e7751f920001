import { kind } from './error-kind.ts';

/** What a person can meet where an app runs that somebody else has started. */
export const projectErrors = {
  unknown_project: kind(
    404,
    'fix',
    'Nothing named {project} runs under Docker in {region}; there is {known}.',
    'Run `storky --region {region} apps --discover` to see what does.',
  ),
  project_unclear: kind(
    409,
    'fix',
    'It cannot be told whether visitors come to {service} of {project}, or whether it works in the background: {detail}.',
    'Say it: `storky adopt {project} --web {service}` or `--worker {service}`; `--web {service}:PORT` where visitors come to that port by a proxy.',
  ),
  project_changed: kind(
    409,
    'fix',
    'The project {project} in {region} is not what it was when {app} was adopted.',
    'Adopt it again: `storky --region {region} adopt {project}`.',
  ),
  name_taken_on_host: kind(
    409,
    'fix',
    'There is a {part} in {region} already, and no move has made it.',
    'Rename or remove it there, or abort the migration, which leaves it alone; then run the phase again.',
  ),
  past_the_gate: kind(
    409,
    'retry',
    '{count} connections to {app} go past its gate, since they are older than it: {which}.',
    'Reload the proxy in front, or run `storky --app {app} restart`, which ends them while requests are held; then run the phase again.',
  ),
  proxy_not_found: kind(
    409,
    'fix',
    'The {proxy} that was named is not in front of {app}: {detail}',
    '{hint} Without `--proxy` the gate of {app} is made of packet rules alone.',
  ),
  gate_not_inserted: kind(
    409,
    'ask',
    'The gate of {app} could not be put in: {detail}',
    'Run the agent as root, or in a container with the capability NET_ADMIN on the network of the host; or name the proxy in front.',
  ),
  gate_not_removed: kind(409, 'ask', '{app}: its gate is still in {where}: {detail}', 'Take {what} out by hand.'),
  ssh_failed: kind(502, 'fix', '{destination}: {detail}', 'Mend what `ssh {destination}` says, and try again.'),
  host_not_fit: kind(409, 'fix', '{host} cannot run an agent: {detail}', '{hint}'),
  unsupported: kind(501, 'fix', '{what} is not supported: {detail}', '{hint}'),
  internal: kind(
    500,
    'ask',
    'Something unexpected went wrong: {detail}',
    'Run the command again; if it stays, report it with the logs.',
  ),
  port_taken: kind(
    409,
    'fix',
    'Port {port} of this host cannot be listened on: {detail}',
    'End what uses it, or let Storky take another port.',
  ),
} as const;
