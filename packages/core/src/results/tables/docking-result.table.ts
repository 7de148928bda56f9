import type { Insertable, Selectable, Updateable } from 'kysely';
import type { JsonbColumn } from '../../postgres/column-types.ts';

/** A pose of the job's primary docking step. */
export interface DockingResultsTable {
  job_id: string;
  /** 1 is the engine's best; the order is the engine's, not by affinity. */
  pose_rank: number;
  /** kcal/mol, lower is better; always finite. */
  affinity: number;
  /** Å to the pose of rank 1, equal to `rmsd_ub` where both are known. */
  rmsd: number | null;
  metadata: JsonbColumn;
  /** Å: nearest atom of the same element. */
  rmsd_lb: number | null;
  /** Å: same atom. */
  rmsd_ub: number | null;
}

/** A row of `docking_results` as repositories return it. */
export type DockingResultRow = Selectable<DockingResultsTable>;
/** What an insert into `docking_results` takes; columns with a default may be left out. */
export type NewDockingResultRow = Insertable<DockingResultsTable>;
/** What an update of `docking_results` may set. */
export type DockingResultRowUpdate = Updateable<DockingResultsTable>;
