import { type Selectable, sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import type { MoleculeRow, MoleculeRowUpdate, MoleculeTable, NewMoleculeRow } from './tables/molecule.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'molecule';

const toMolecule = (row: Selectable<MoleculeTable>): MoleculeRow => ({
  ...row,
  size_bytes: row.size_bytes === null ? null : Number(row.size_bytes),
});

/** A molecule of the organization. */
export async function findMolecule(
  tx: OrganizationTransaction,
  { moleculeId }: { readonly moleculeId: string },
): Promise<MoleculeRow | undefined> {
  const row = await tx
    .selectFrom('molecules')
    .selectAll()
    .where('molecule_id', '=', rowId(moleculeId))
    .executeTakeFirst();
  return row && toMolecule(row);
}

/** As `findMolecule`, for a row that must be there. @throws {NotFoundError} */
export async function getMolecule(
  tx: OrganizationTransaction,
  { moleculeId }: { readonly moleculeId: string },
): Promise<MoleculeRow> {
  return found(await findMolecule(tx, { moleculeId }), { entity, id: moleculeId });
}

/** Molecule id → checksum of its bytes, for those of the molecules that are there and have one. One statement however many. */
export async function listMoleculeChecksums(
  tx: OrganizationTransaction,
  { moleculeIds }: { readonly moleculeIds: readonly string[] },
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx
    .selectFrom('molecules')
    .select(['molecule_id', 'checksum'])
    .where('molecule_id', '=', sql<string>`any(${moleculeIds.map(rowId)}::uuid[])`)
    .execute();
  return new Map(
    rows.flatMap(({ molecule_id, checksum }) => (checksum === null ? [] : [[molecule_id, checksum] as const])),
  );
}

export interface ListMolecules extends PageRequest {
  readonly name?: string | undefined;
  readonly checksum?: string | undefined;
}

/** Molecules of the organization, newest first. */
export async function listMolecules(
  tx: OrganizationTransaction,
  request: ListMolecules = {},
): Promise<Page<MoleculeRow>> {
  let query = tx.selectFrom('molecules').selectAll().where('molecule_id', '<', idBeforePage(request));
  if (request.name !== undefined) query = query.where('name', '=', request.name);
  if (request.checksum !== undefined) query = query.where('checksum', '=', request.checksum);
  const rows = await query
    .orderBy('molecule_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows.map(toMolecule), request, (row) => [row.molecule_id]);
}

/** Two molecules may share a name and a checksum: the row is a name in the catalogue, the bytes are the artifact's. */
export async function insertMolecule(
  tx: OrganizationTransaction,
  molecule: OwnedRow<NewMoleculeRow>,
): Promise<MoleculeRow> {
  const row = { ...molecule, molecule_id: molecule.molecule_id ?? newId(), org_id: organizationOf(tx) };
  const written = await translateRefusal({ entity, id: row.molecule_id }, () =>
    tx.insertInto('molecules').values(row).returningAll().executeTakeFirstOrThrow(),
  );
  return toMolecule(written);
}

/** Changes the catalogue entry, never the bytes. @throws {NotFoundError} */
export async function updateMolecule(
  tx: OrganizationTransaction,
  { moleculeId, set }: { readonly moleculeId: string; readonly set: Omit<OwnedRow<MoleculeRowUpdate>, 'molecule_id'> },
): Promise<MoleculeRow> {
  if (isEmpty(set)) return getMolecule(tx, { moleculeId });
  const row = await translateRefusal({ entity, id: moleculeId }, () =>
    tx.updateTable('molecules').set(set).where('molecule_id', '=', rowId(moleculeId)).returningAll().executeTakeFirst(),
  );
  return toMolecule(found(row, { entity, id: moleculeId }));
}

/** Returns false when the organization has no such molecule. The bytes are not touched. */
export async function deleteMolecule(
  tx: OrganizationTransaction,
  { moleculeId }: { readonly moleculeId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('molecules')
    .where('molecule_id', '=', rowId(moleculeId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
