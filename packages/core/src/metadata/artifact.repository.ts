import type { Selectable } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import type { ArtifactRow, ArtifactRowUpdate, ArtifactTable, NewArtifactRow } from './tables/artifact.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'artifact';

const toArtifact = (row: Selectable<ArtifactTable>): ArtifactRow => ({
  ...row,
  size_bytes: row.size_bytes === null ? null : Number(row.size_bytes),
});

/** A registered artifact of the organization. */
export async function findArtifact(
  tx: OrganizationTransaction,
  { artifactId }: { readonly artifactId: string },
): Promise<ArtifactRow | undefined> {
  const row = await tx
    .selectFrom('artifacts')
    .selectAll()
    .where('artifact_id', '=', rowId(artifactId))
    .executeTakeFirst();
  return row && toArtifact(row);
}

/** As `findArtifact`, for a row that must be there. @throws {NotFoundError} */
export async function getArtifact(
  tx: OrganizationTransaction,
  { artifactId }: { readonly artifactId: string },
): Promise<ArtifactRow> {
  return found(await findArtifact(tx, { artifactId }), { entity, id: artifactId });
}

export interface ListArtifacts extends PageRequest {
  readonly purpose?: string | undefined;
  readonly uri?: string | undefined;
}

/** Registered artifacts of the organization, newest first. */
export async function listArtifacts(
  tx: OrganizationTransaction,
  request: ListArtifacts = {},
): Promise<Page<ArtifactRow>> {
  let query = tx.selectFrom('artifacts').selectAll().where('artifact_id', '<', idBeforePage(request));
  if (request.purpose !== undefined) query = query.where('purpose', '=', request.purpose);
  if (request.uri !== undefined) query = query.where('uri', '=', request.uri);
  const rows = await query
    .orderBy('artifact_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows.map(toArtifact), request, (row) => [row.artifact_id]);
}

/** Registers bytes that are stored already. */
export async function insertArtifact(
  tx: OrganizationTransaction,
  artifact: OwnedRow<NewArtifactRow>,
): Promise<ArtifactRow> {
  const row = { ...artifact, artifact_id: artifact.artifact_id ?? newId(), org_id: organizationOf(tx) };
  const written = await translateRefusal({ entity, id: row.artifact_id }, () =>
    tx.insertInto('artifacts').values(row).returningAll().executeTakeFirstOrThrow(),
  );
  return toArtifact(written);
}

/** Changes the registration, never the bytes. @throws {NotFoundError} */
export async function updateArtifact(
  tx: OrganizationTransaction,
  { artifactId, set }: { readonly artifactId: string; readonly set: Omit<OwnedRow<ArtifactRowUpdate>, 'artifact_id'> },
): Promise<ArtifactRow> {
  if (isEmpty(set)) return getArtifact(tx, { artifactId });
  const row = await translateRefusal({ entity, id: artifactId }, () =>
    tx.updateTable('artifacts').set(set).where('artifact_id', '=', rowId(artifactId)).returningAll().executeTakeFirst(),
  );
  return toArtifact(found(row, { entity, id: artifactId }));
}

/** Returns false when the organization has no such artifact. The bytes are not touched. */
export async function deleteArtifact(
  tx: OrganizationTransaction,
  { artifactId }: { readonly artifactId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('artifacts')
    .where('artifact_id', '=', rowId(artifactId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
