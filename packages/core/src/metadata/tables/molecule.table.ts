import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableBigintColumn } from '../../postgres/bigint-column.ts';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** The table `molecules`. */
export interface MoleculeTable {
  molecule_id: Generated<string>;
  org_id: string;
  name: string;
  format: string;
  uri: string;
  size_bytes: NullableBigintColumn;
  checksum: string | null;
  created_by: string | null;
  created_at: TimestampColumn;
}

/** A row of `molecules`. */
export type MoleculeRow = Omit<Selectable<MoleculeTable>, 'size_bytes'> & { size_bytes: number | null };
/** A row to insert into `molecules`; columns with a default may be left out. */
export type NewMoleculeRow = Insertable<MoleculeTable>;
/** The columns of `molecules` to change. */
export type MoleculeRowUpdate = Updateable<MoleculeTable>;
