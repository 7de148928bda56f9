import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ArtifactStore, createLocalArtifactStore } from '@mad/core';
import {
  type ArchiveProgress,
  exportOrganization,
  type OrganizationArchive,
  offboardOrganization,
  restoreOrganization,
} from '@mad/tenancy';
import type { Command } from 'commander';
import { count, formatBytes } from '../cache/amounts.ts';
import { showProgress } from '../cache/show-progress.ts';
import { toJson } from '../cache/to-json.ts';
import { requireArtifactFolder } from '../doctor/require-artifact-folder.ts';
import { CommandUsageError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { confirm } from './confirm.ts';
import { findOrg, inPlatform, type OperatorFlags, ORG_HELP, withOperatorOptions } from './operator-options.ts';
import { type PlaceFlags, parsePlace, withPlaceOptions } from './place-options.ts';

interface ArtifactFlags extends OperatorFlags {
  readonly artifacts?: string;
}

interface ExportFlags extends ArtifactFlags {
  readonly to?: string;
}

interface RestoreFlags extends ArtifactFlags, PlaceFlags {
  readonly name?: string;
}

interface OffboardFlags extends ArtifactFlags {
  /** False by `--no-export`, said on purpose; absent when nothing was said. */
  readonly export?: string | boolean;
  readonly yes?: true;
}

/** Adds `mad org export`, `restore` and `offboard`. */
export function addArchiveCommands(org: Command, terminal: Terminal): void {
  withArtifacts(org.command('export').description('write an organization into an archive: tar.gz with lines of JSON'))
    .argument('<org>', ORG_HELP)
    .option('--to <file>', 'the archive, replaced when it is there')
    .action((text: string, flags: ExportFlags) => write(terminal, text, flags));
  withPlaceOptions(withArtifacts(org.command('restore')))
    .description('bring an organization back from its archive, under the id it had')
    .argument('<file>', 'the archive')
    .option('--name <name>', 'its name (default: that in the archive)')
    .action((file: string, flags: RestoreFlags) => restore(terminal, file, flags));
  withArtifacts(org.command('offboard'))
    .description('take an organization off the platform: export it, then delete its Results DB, files and rows')
    .argument('<org>', ORG_HELP)
    .option('--export <file>', 'the archive that is written before anything is deleted')
    .option('--no-export', 'keep nothing')
    .option('--yes', 'do not ask')
    .action((text: string, flags: OffboardFlags) => offboard(terminal, text, flags));
}

function withArtifacts(command: Command): Command {
  return withOperatorOptions(command).option(
    '--artifacts <folder>',
    'the local store with the files of the organizations',
  );
}

/** `mayBeNew`: what is written into it is all that it needs to hold. */
async function openArtifacts(
  { artifacts: folder }: ArtifactFlags,
  { mayBeNew = false }: { readonly mayBeNew?: boolean } = {},
): Promise<ArtifactStore> {
  if (folder === undefined)
    throw new CommandUsageError({ option: '--artifacts', expected: 'the folder of a local store', got: 'none' });
  // What cannot be made is told below.
  if (mayBeNew) await mkdir(folder, { recursive: true }).catch(() => {});
  await requireArtifactFolder(folder);
  return createLocalArtifactStore({ folder });
}

async function write(terminal: Terminal, text: string, flags: ExportFlags): Promise<void> {
  const { to } = flags;
  if (to === undefined) throw new CommandUsageError({ option: '--to', expected: 'the file to write', got: 'none' });
  const artifacts = await openArtifacts(flags);
  const archive = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const { org_id: orgId } = await findOrg(metadata, text);
    return showProgress(terminal, (show) => {
      const onProgress = (progress: ArchiveProgress) => show(`${toWords(progress)} exported`);
      return exportOrganization({ metadata, clusters, artifacts, onProgress }, { orgId, to, actor });
    });
  });
  terminal.out(flags.json ? toJson({ ...archive, file: resolve(to) }) : describe(archive, to));
}

const toWords = ({ rows, files, bytes }: ArchiveProgress): string =>
  `${count(rows, 'row')}, ${count(files, 'file')}, ${formatBytes(bytes)}`;

function describe({ orgId, sha256, rows, files }: OrganizationArchive, file: string): string {
  const total = Object.values(rows).reduce((sum, number) => sum + number, 0);
  return `${orgId} exported to ${file}: ${count(total, 'row')}, ${count(files.count, 'file')} of ${formatBytes(files.bytes)}\nsha256 ${sha256}\n`;
}

async function restore(terminal: Terminal, file: string, flags: RestoreFlags): Promise<void> {
  const restored = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const place = parsePlace(flags, clusters);
    const artifacts = await openArtifacts(flags, { mayBeNew: true });
    return showProgress(terminal, (show) => {
      show('verifying the archive');
      const onStep = (step: string) => show(`restoring: ${step}`);
      const request = { from: file, name: flags.name, ...place, actor };
      return restoreOrganization({ metadata, clusters, artifacts, onStep }, request);
    });
  });
  if (flags.json) return void terminal.out(toJson(restored));
  const total = Object.values(restored.rows).reduce((sum, number) => sum + number, 0);
  terminal.out(
    `${restored.orgId} is active: ${count(total, 'row')}, ${count(restored.files.count, 'file')} restored, ${count(restored.usersMade, 'user')} made\n`,
  );
}

async function offboard(terminal: Terminal, text: string, flags: OffboardFlags): Promise<void> {
  const exportTo = flags.export === false ? (false as const) : flags.export;
  if (typeof exportTo !== 'string' && exportTo !== false)
    throw new CommandUsageError({
      option: '--export',
      expected: 'a file for the archive, or --no-export',
      got: 'none',
    });
  const artifacts = await openArtifacts(flags);
  const done = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const { org_id: orgId, name } = await findOrg(metadata, text);
    const kept = exportTo === false ? 'and no archive is kept' : `after they were written to ${exportTo}`;
    const warning = `the Results DB, files and rows of ${name} (${orgId}) are deleted for good, ${kept}`;
    await confirm(terminal, { warning, word: name, yes: flags.yes });
    return showProgress(terminal, (show) => {
      const onStep = (step: string) => show(`${name}: ${step}`);
      return offboardOrganization({ metadata, clusters, artifacts, onStep }, { orgId, exportTo, actor });
    });
  });
  if (flags.json) return void terminal.out(toJson(done));
  const archive = done.archive && typeof exportTo === 'string' ? describe(done.archive, exportTo) : '';
  terminal.out(`${archive}${done.orgId} is off the platform, ${count(done.filesDeleted, 'file')} deleted\n`);
}
