import { createHash } from 'node:crypto';
import { NotFoundError } from '../errors.ts';
import { type JsonObject, sortedJson } from '../json.ts';
import type { ResultsDatabase } from './results-database.ts';
import { toJsonb } from './to-jsonb.ts';

/** What `pipeline_specs.spec_digest` holds for a spec. */
export function digestSpec(spec: JsonObject): string {
  return createHash('sha256').update(sortedJson(spec)).digest('hex');
}

/** Keeps a spec for the jobs that will name it; one that is there already stays. Returns its digest, which may be given where it is known. */
export async function insertPipelineSpec(
  db: ResultsDatabase,
  { spec, digest = digestSpec(spec) }: { readonly spec: JsonObject; readonly digest?: string | undefined },
): Promise<string> {
  const there = await db
    .selectFrom('pipeline_specs')
    .select('spec_digest')
    .where('spec_digest', '=', digest)
    .executeTakeFirst();
  if (there) return digest;
  await db
    .insertInto('pipeline_specs')
    .values({ spec_digest: digest, spec: toJsonb(spec) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return digest;
}

/** @throws {NotFoundError} */
export async function getPipelineSpec(db: ResultsDatabase, { digest }: { digest: string }): Promise<JsonObject> {
  const row = await db.selectFrom('pipeline_specs').select('spec').where('spec_digest', '=', digest).executeTakeFirst();
  if (!row) throw new NotFoundError({ entity: 'pipeline spec', id: digest });
  return row.spec;
}
