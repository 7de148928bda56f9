import type { Insertable, Selectable } from 'kysely';
import type { JsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** A published spec that jobs of this organization run, once however many jobs name it: a job's own row is rewritten with every step. */
export interface PipelineSpecsTable {
  /** SHA-256 of the spec's JSON with sorted keys. */
  spec_digest: string;
  spec: JsonbColumn;
  created_at: TimestampColumn;
}

/** A row of `pipeline_specs` as repositories return it. */
export type PipelineSpecRow = Selectable<PipelineSpecsTable>;
/** What an insert into `pipeline_specs` takes; columns with a default may be left out. */
export type NewPipelineSpecRow = Insertable<PipelineSpecsTable>;
