import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableBigintColumn } from '../../postgres/bigint-column.ts';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** The table `artifacts`. */
export interface ArtifactTable {
  artifact_id: Generated<string>;
  org_id: string;
  purpose: string;
  content_type: string | null;
  uri: string;
  size_bytes: NullableBigintColumn;
  checksum: string | null;
  created_by: string | null;
  created_at: TimestampColumn;
}

/** A row of `artifacts`. */
export type ArtifactRow = Omit<Selectable<ArtifactTable>, 'size_bytes'> & { size_bytes: number | null };
/** A row to insert into `artifacts`; columns with a default may be left out. */
export type NewArtifactRow = Insertable<ArtifactTable>;
/** The columns of `artifacts` to change. */
export type ArtifactRowUpdate = Updateable<ArtifactTable>;
