import { projectErrors } from './error-catalogue-projects.ts';
import { type ErrorKind, kind } from './error-kind.ts';

/** Every error that a person can meet. `{field}` is filled in from the error's fields. docs/errors.md lists them all. */
export const catalogue = {
  ...projectErrors,
  // The caller can mend these.
  bad_request: kind(400, 'fix', 'The request is not valid: {detail}', 'Correct {field} and try again.'),
  bad_manifest: kind(400, 'fix', '{file}:{line}: {detail}', 'Correct line {line} of {file} and run the command again.'),
  bad_usage: kind(400, 'fix', '{detail}', 'Run the command with `--help` to see how it is used.'),
  build_failed: kind(400, 'fix', 'The build in {folder} failed: {detail}', 'Mend it, then run `storky apply` again.'),
  not_confirmed: kind(409, 'fix', '{what} was not confirmed.', 'Answer `y`, or pass `--yes` where nobody can answer.'),
  no_server: kind(
    401,
    'fix',
    'No server is set up on this machine.',
    'Start one with `storky server`, or run the `storky login` command that it printed.',
  ),
  untrusted_certificate: kind(
    401,
    'fix',
    '{address} shows a certificate that this machine does not trust: {detail}',
    'Run `storky login {address}`, or set STORKY_CA to the fingerprint that the server printed.',
  ),
  wrong_certificate: kind(
    401,
    'fix',
    '{address} shows another certificate authority ({seen}) than the one expected ({expected}).',
    'Check the address. If the server was set up anew, run `storky login` again with its new fingerprint.',
  ),
  unauthorized: kind(
    401,
    'fix',
    'The server does not know this token.',
    'Run `storky login` with a token that the server printed.',
  ),
  forbidden: kind(403, 'fix', '{who} may not {action}.', 'Ask the owner of the app for access.'),
  not_found: kind(404, 'fix', 'There is no {what} here.', 'The paths are listed in /openapi.json.'),
  unknown_region: kind(
    404,
    'fix',
    'There is no region named {region}.',
    'Run `storky regions` to see the regions, or `storky regions-add {region}`.',
  ),
  unknown_app: kind(
    404,
    'fix',
    'There is no app named {app} in {region}.',
    'Run `storky apps` to see the apps of every region.',
  ),
  unknown_migration: kind(
    404,
    'fix',
    'There is no migration {id}.',
    'Run `storky --app <app> migrations` to see them.',
  ),
  unknown_addon: kind(
    404,
    'fix',
    'The app {app} has no addon or file tree named {name}.',
    'Run `storky --app {app} app` to see what it has.',
  ),
  addon_lent: kind(
    409,
    'fix',
    'The addon {addon} of {app} in {region} is used by {user} in {in}, which would lose its data.',
    'Remove {user} in {in} first, or run `storky --region {region} --app {app} remove --even-if-lent`.',
  ),
  app_locked: kind(
    409,
    'fix',
    '{app} is being migrated ({migration}); its settings are read-only.',
    'Finish the migration, or run `storky --app {app} migration-abort {migration}`.',
  ),
  app_exists: kind(
    409,
    'fix',
    'An app named {app} is already in {region}.',
    'Choose another name with `--new-name`, or remove the app there.',
  ),
  migration_in_progress: kind(
    409,
    'fix',
    '{app} already has a migration that is not finished: {migration}.',
    'Follow it with `storky --app {app} migration-follow {migration}`, or abort it first.',
  ),
  wrong_phase: kind(409, 'fix', 'Phase {phase} cannot run while the migration is {status}.', '{hint}'),
  app_in_several_regions: kind(
    400,
    'fix',
    '{app} is in {regions}.',
    'Say which one is meant with `--region`; `move` and `plan` have `--from` for it.',
  ),
  same_place: kind(
    400,
    'fix',
    '{app} is already in {region} under that name.',
    'Choose another region with `--to`, or another name with `--new-name`.',
  ),
  region_in_use: kind(
    409,
    'fix',
    '{region} cannot be removed: {detail}.',
    'Move or remove what is there first, then remove the region.',
  ),
  folder_in_use: kind(
    409,
    'fix',
    'Another Storky process ({pid}) uses {folder}.',
    'Stop it, or choose another folder with `--data`.',
  ),
  token_used: kind(
    401,
    'fix',
    'This enrolment token was used already, or has expired.',
    'Run `storky regions-add {region}` for a new one.',
  ),
  server_not_trusted: kind(
    401,
    'fix',
    'The server at {address} is not the one that gave this token: {detail}',
    'Check the address; if it is right, run `storky regions-add` on that server for a new token.',
  ),
  not_enrolled: kind(
    401,
    'fix',
    'The agent {region} has no certificate yet.',
    'Run `storky regions-add {region}` and start the agent with `--server` and the `--token` that it prints.',
  ),

  // A person has to look, then the phase can be run again.
  preflight_failed: kind(
    409,
    'ask',
    'The preflight failed: {failed}.',
    'Follow the remedy of each failed check, then create the migration again.',
  ),
  not_enough_disk: kind(
    409,
    'ask',
    '{region} has {free} free; the move needs {needed}.',
    'Free some room on {region}, or choose another region.',
  ),
  engine_missing: kind(
    409,
    'ask',
    '{region} cannot run {engine} {version}.',
    'Install {engine} {version} on {region}, or choose another carrier with `--carrier`.',
  ),
  target_unhealthy: kind(
    409,
    'ask',
    '{app} did not become healthy in {region} within {seconds} s: {detail}',
    'Look at `storky --region {region} --app {app} logs`, mend the cause, and run the phase again.',
  ),
  not_in_sync: kind(
    409,
    'ask',
    '{store} is not in sync: {detail}',
    'Wait until it has caught up, then run the phase again.',
  ),
  schema_changed: kind(
    409,
    'ask',
    'The schema of {store} was changed while it was followed: {detail}',
    'Run `migration-run --data` again: it copies what changed anew.',
  ),
  verification_failed: kind(
    409,
    'ask',
    '{store} differs between the two sides: {detail}',
    'Nothing was switched. Run `migration-run --data` again, which compares anew, or abort.',
  ),
  pending_migrations: kind(
    409,
    'ask',
    '{app} has pending migrations: {detail}',
    'Run them on the source, then run the phase again.',
  ),
  long_transaction: kind(
    409,
    'ask',
    'A transaction on {store} has been open for {seconds} s ({detail}).',
    'End it, or wait, then run the phase again.',
  ),
  way_back_open: kind(
    409,
    'fix',
    '{app} can still go back from its last move.',
    'End that first: `storky --app {app} migration-complete {migration}`.',
  ),
  way_back_unproven: kind(
    409,
    'fix',
    'There would be no way back for {store} after the switch: {peer} cannot be followed from here: {detail}',
    'Mend the cause, or switch without a way back with `--no-way-back`.',
  ),
  way_back_lost: kind(
    409,
    'ask',
    'The way back of {store} is lost: {detail}',
    'Go on where the app is now with `migration-complete`; a new migration can bring it back.',
  ),
  switch_backed_out: kind(
    409,
    'ask',
    'The switch backed out after {heldMs} ms: {reason}. The source serves; nothing was lost.',
    'Mend the cause, or allow more with `--budget`, and finalize again.',
  ),
  switch_undecided: kind(
    409,
    'retry',
    'The switch of {app} is decided on the source but {region} has not confirmed.',
    'Restore {region} or the link between the regions; it activates by itself.',
  ),
  step_failed: kind(
    500,
    'ask',
    '{step}: {detail}',
    "Look at the step's logs, mend the cause, and run the phase again, or abort.",
  ),
  engine_refused: kind(409, 'ask', '{engine} refused: {detail}', '{hint}'),

  // Trying again is right.
  region_unreachable: kind(
    502,
    'retry',
    '{region} does not answer at {address}: {detail}',
    'Check that its agent runs and that the address can be reached.',
  ),
  router_unreachable: kind(
    502,
    'retry',
    "The region's router does not answer: {detail}",
    'Its agent starts it again by itself; if this stays, look at the logs of the agent.',
  ),
  link_lost: kind(
    502,
    'retry',
    'The link from {region} to {peer} was cut: {detail}',
    'It is opened again by itself; check the network between the two.',
  ),
  server_unreachable: kind(
    502,
    'retry',
    'The server does not answer at {address}: {detail}',
    'Start it with `storky server`, or set the address with `storky login`.',
  ),
  database_unreachable: kind(
    502,
    'retry',
    'A database of the app does not answer: {detail}',
    'Its agent starts it again by itself; if this stays, look at the logs of the database.',
  ),
  copy_interrupted: kind(502, 'retry', 'The copy of {store} was interrupted: {detail}', 'It goes on by itself.'),
  timeout: kind(
    504,
    'retry',
    '{what} did not end within {seconds} s.',
    'Try again; if it stays, look at the logs of {where}.',
  ),

  // Ours.
  not_granted: kind(
    403,
    'ask',
    '{peer} asked {region} for {what}, which no running migration grants.',
    'Start the migration anew; if this stays, it is a defect.',
  ),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof catalogue;
