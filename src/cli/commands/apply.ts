import { z } from 'zod';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { type Archive, packFolder } from '../build/archive.ts';
import { type Output, runProgram } from '../build/program.ts';
import { checkout } from '../build/source.ts';
import { uploadBuild } from '../build/upload.ts';
import { defineCommand, spec } from '../command.ts';
import { type Context, requiredRegion, say } from '../context.ts';
import { checkEngines } from '../manifest/engines.ts';
import { type Manifest, readManifest } from '../manifest/read.ts';
import { byteCounter } from '../show/progress.ts';
import { status } from '../show/status.ts';
import { bytes } from '../show/units.ts';

export const apply = defineCommand({
  name: 'apply',
  group: 'Apps',
  summary: 'Create or update an app as its storky.yaml says: build, upload, start',
  args: {},
  options: { file: spec('<path>', 'the manifest', z.string().default('storky.yaml'), '-f') },
  needs: 'server',
  async run(context, { file }) {
    const region = requiredRegion(context);
    const manifest = readManifest(file, context.io.cwd, context.io.env);
    await refuseEarly(context, manifest, region);
    const build = await buildAndSend(context, manifest, region);
    say(context, context.paint.dim('Starting; it is ready when its health check passes.'));
    const view = await context.server.api.apps.apply({ region, record: { ...manifest.record, build } });
    const { paint } = context;
    const text = [
      `${paint.green('✔')} ${paint.bold(view.name)} in ${view.region}: ${status(view.status, paint)}  ${paint.cyan(view.url)}`,
      `${paint.bold('Next:')} ${paint.cyan(`storky --region ${view.region} --app ${view.name} ps`)}`,
    ].join('\n');
    return { data: view, text };
  },
});

/** Better told now than after a long build: no such region, a wrong token, an app that is being migrated, no such engine. */
async function refuseEarly({ server }: Context<'server'>, manifest: Manifest, region: string): Promise<void> {
  const app = manifest.record.name;
  const known = (await server.api.apps.list({ region })).find((each) => each.name === app);
  if (known?.lockedBy) throw new StorkyError('app_locked', { app, migration: known.lockedBy });
  if (manifest.record.addons.length === 0) return;
  const info = (await server.api.regions.list()).find(({ name }) => name === region)?.info;
  if (info) checkEngines(manifest, info, known);
}

async function buildAndSend(context: Context<'server'>, manifest: Manifest, region: string) {
  const { io, global } = context;
  const output = { to: global.json ? io.stderr : io.stdout, env: io.env, signal: io.signal };
  const source = await checkout(manifest, output);
  try {
    await build(context, manifest.record, source.folder, output);
    const archive = await packFolder(source.folder, manifest.record.files, io.signal);
    return await send(context, archive, region).finally(archive.remove);
  } finally {
    await source.remove();
  }
}

async function build(context: Context, { buildCommand }: AppRecord, folder: string, output: Output): Promise<void> {
  if (!buildCommand) return;
  say(context, context.paint.dim(`$ ${buildCommand}`));
  await runProgram('sh', ['-c', buildCommand], { cwd: folder, output, folder });
}

async function send(context: Context<'server'>, archive: Archive, region: string): Promise<AppRecord['build']> {
  const { sha256, bytes: size } = archive;
  const counter = byteCounter(context, 'Uploading', size);
  const { signal } = context.io;
  const sent = await uploadBuild(context.server, { region, archive, signal, onProgress: counter.at });
  counter.end(sent === 'sent' ? `Uploaded the build, ${bytes(size)}` : `The build is already in ${region}`);
  return { kind: 'archive', sha256, bytes: size };
}
