import { z } from 'zod';
import { TaskFailedError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { NewDockingResultRow } from '../results/tables/docking-result.table.ts';

const pose = z.looseObject({
  rank: z.int().min(1),
  affinity: z.number(),
  rmsd_lb: z.number().min(0).nullish(),
  rmsd_ub: z.number().min(0).nullish(),
});

/** One pose of the primary docking step: affinity in kcal/mol, RMSD to pose 1 in Å. Further properties go to the row's metadata. */
export type Pose = z.output<typeof pose>;

/** @throws {TaskFailedError} `NO_POSES` for an empty list, `CONTRACT_VIOLATION` for anything but poses of ranks 1..n. */
export function parsePoses(value: unknown): readonly Pose[] {
  const parsed = z.array(pose).safeParse(value);
  if (!parsed.success || parsed.data.some(({ rank }, index) => rank !== index + 1)) {
    throw new TaskFailedError({
      failureCode: 'CONTRACT_VIOLATION',
      message: 'expected poses {rank, affinity, rmsd_lb, rmsd_ub} of ranks 1..n in their order; mend the docking task',
      retryable: false,
    });
  }
  if (parsed.data.length === 0) {
    throw new TaskFailedError({
      failureCode: 'NO_POSES',
      message: 'the docking step found no pose; move or enlarge the box',
      retryable: false,
    });
  }
  return parsed.data;
}

/** The row of a pose: what has no column of its own goes to its metadata. */
export function toDockingResult({
  rank,
  affinity,
  rmsd_lb = null,
  rmsd_ub = null,
  ...metadata
}: Pose): Omit<NewDockingResultRow, 'job_id'> {
  return { pose_rank: rank, affinity, rmsd_lb, rmsd_ub, metadata: metadata as JsonObject };
}
