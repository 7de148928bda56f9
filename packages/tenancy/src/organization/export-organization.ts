import { Writable } from 'node:stream';
import {
  ActorUnknownError,
  type ArtifactStore,
  checkRequest,
  findUser,
  getOrganization,
  inAllOrganizations,
  inOrganization,
  type MetadataDatabase,
  metadataTrack,
  migrationState,
  NotFoundError,
  OrganizationInactiveError,
  type OrgId,
  ResultsDatabaseMismatchError,
  recordOperatorAudit,
  resultsTrack,
  silentLogger,
  storableText,
} from '@mad/core';
import { z } from 'zod';
import { countRows } from '../archive/archive-manifest.ts';
import { checkArchivePath } from '../archive/archive-path.ts';
import { type ArchiveProgress, ArchiveWriter } from '../archive/archive-writer.ts';
import { selectMetadata } from '../archive/metadata-parts.ts';
import { OrganizationStateError } from '../errors.ts';
import { describeTables, readSequences, selectRows } from '../results-database/describe-tables.ts';
import { inPlace } from '../results-database/drop-own-place.ts';
import { readRows } from '../results-database/read-rows.ts';
import { type ResultsDatabasePlace, toPlace } from '../results-database/results-database-place.ts';
import { checkPortable } from './check-portable.ts';
import { isSame, lockOrgDatabase } from './move-record.ts';
import { type OrganizationContext, operatorRequest } from './organization-context.ts';

/** What an export works with. */
export interface ExportContext extends OrganizationContext {
  readonly artifacts: ArtifactStore;
  /** Told after every part and file. */
  readonly onProgress?: ((progress: ArchiveProgress) => void) | undefined;
}

/** The organization to take out. */
export interface ExportOrganization {
  readonly orgId: OrgId;
  /** The file to write, replaced when it is there and a plain file; or a stream, which is ended. */
  readonly to: string | Writable;
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
}

/** What an archive holds. */
export interface OrganizationArchive {
  readonly orgId: OrgId;
  /** Of the archive as it is, packed. */
  readonly sha256: string;
  /** Rows by database and table: `results.jobs`. */
  readonly rows: Readonly<Record<string, number>>;
  readonly files: { readonly count: number; readonly bytes: number };
}

const requestSchema = z.strictObject({
  ...operatorRequest,
  to: z.union([storableText(4_096), z.instanceof(Writable)]),
});

/**
 * Writes one organization into an archive that a person can open: `tar` packed by gzip, with its rows of both databases as lines of JSON, its files by their
 * SHA-256 and a manifest of counts and checksums. Each database is read as it was at one moment, also while jobs run; memory does not grow
 * with the organization. Members are in it by e-mail; password hashes, tokens and invitations are not. A file appears under its name when it is whole.
 * @throws {ArtifactCorruptError} when a stored file is not what its digest says.
 * @throws {OrganizationStateError} while its Results DB is made, moved or gone. @throws {OrganizationInactiveError} where it was moved meanwhile.
 * @throws {ResultsDatabaseUnreachableError} @throws {ResultsDatabaseMismatchError} @throws {NotFoundError} @throws {ValidationFailedError}
 * @throws {ResultsDatabaseExtendedError} @throws {ArchivePathError} before anything is written.
 */
export async function exportOrganization(
  context: ExportContext,
  request: ExportOrganization,
): Promise<OrganizationArchive> {
  checkRequest(requestSchema, { subject: 'export', value: request });
  const { metadata, artifacts, onProgress, clusters, logger = silentLogger } = context;
  const { to, actor } = request;
  const orgId = request.orgId.toLowerCase();
  const { organization, place } = await inAllOrganizations(metadata, async (tx) => {
    if (actor !== null && !(await findUser(tx, { userId: actor }))) throw new ActorUnknownError({ actor });
    const { row } = await lockOrgDatabase(tx, { orgId });
    if (row.state !== 'ready')
      throw new OrganizationStateError({ orgId, state: row.state, hint: 'export it when that is over' });
    return { organization: await getOrganization(tx, { orgId }), place: toPlace(row) };
  });
  if (typeof to === 'string') await checkArchivePath(to);
  await readInPlace(metadata, place, () => checkPortable(place, { clusters, logger }));
  const writer = new ArchiveWriter(to, onProgress);
  try {
    await inOrganization(metadata, orgId, async (tx) => {
      for await (const rows of readRows(tx, selectMetadata(orgId))) await writer.addRows('metadata', rows);
    });
    const results = await readInPlace(metadata, place, () =>
      inPlace(place, { clusters, logger }, (db) =>
        db
          .transaction()
          .setIsolationLevel('repeatable read')
          .execute(async (tx) => {
            const tables = await describeTables(tx, place.schema);
            if (tables.length === 0) throw new ResultsDatabaseMismatchError({ expected: orgId, found: undefined });
            for await (const rows of readRows(tx, selectRows(tables, place.schema)))
              await writer.addRows('results', rows);
            const { applied } = await migrationState(tx, { track: resultsTrack, schema: place.schema });
            return { sequences: await readSequences(tx, place.schema), version: applied.at(-1) ?? '' };
          }),
      ),
    );
    // After the rows: a file that a row names was stored before it.
    for await (const file of artifacts.list(orgId)) {
      const content = await artifacts.get(orgId, file.digest).catch(ignoreGone);
      if (content) await writer.addFile(file, content);
    }
    const { manifest, sha256 } = await writer.finish({
      format: 'mad-organization',
      version: 1,
      exported_at: new Date().toISOString(),
      org_id: orgId,
      organization: {
        name: organization.name,
        quotas: organization.quotas,
        created_at: organization.created_at.toISOString(),
      },
      schema_versions: {
        metadata: Object.keys(metadataTrack.migrations).sort().at(-1) ?? '',
        results: results.version,
      },
      sequences: [...results.sequences],
    });
    const { files } = manifest;
    await inAllOrganizations(metadata, (tx) =>
      recordOperatorAudit(
        tx,
        { orgId, actor },
        { action: 'organization.export', entityType: 'organization', entityId: orgId, facts: { sha256, files } },
      ),
    );
    return { orgId, sha256, rows: countRows(manifest), files };
  } catch (error) {
    await writer.abandon(error);
    throw error;
  }
}

/**
 * What was read counts only if the organization has not left the place meanwhile: what lies there then may be gone, or not whole yet.
 * @throws {OrganizationInactiveError} @throws {OrganizationStateError}
 */
async function readInPlace<T>(
  metadata: MetadataDatabase,
  place: ResultsDatabasePlace,
  read: () => Promise<T>,
): Promise<T> {
  const [outcome] = await Promise.allSettled([read()]);
  const isRead = outcome.status === 'fulfilled';
  const { orgId } = place;
  const { row } = await inAllOrganizations(metadata, (tx) => lockOrgDatabase(tx, { orgId }));
  if (row.state === 'deleting' || row.state === 'deleted')
    throw new OrganizationStateError({ orgId, state: row.state, hint: 'there is nothing left to export' });
  if (!isSame(toPlace(row), place))
    throw new OrganizationInactiveError({ orgId, status: 'moved', cause: isRead ? undefined : outcome.reason });
  if (isRead) return outcome.value;
  throw outcome.reason;
}

/** Collected as garbage since it was listed. */
function ignoreGone(error: unknown): undefined {
  if (!(error instanceof NotFoundError)) throw error;
}
