import { createHash } from 'node:crypto';
import { NotFoundError } from '../errors.ts';
import { type JsonObject, sortedJson } from '../json.ts';
import { Recent } from '../recent.ts';
import type { ResultsDatabase } from './results-database.ts';
import { toJsonb } from './to-jsonb.ts';

/** What `pipeline_specs.spec_digest` holds for a spec. */
export function digestSpec(spec: JsonObject): string {
  return createHash('sha256').update(sortedJson(spec)).digest('hex');
}

/** Specs are never deleted: one that was seen is there. */
const KNOWN = 10_000;
const known = new WeakMap<ResultsDatabase, Recent<string, true>>();

/** Keeps a spec for the jobs that will name it; one that is there already stays. Returns its digest, which may be given where it is known. */
export async function insertPipelineSpec(
  db: ResultsDatabase,
  { spec, digest = digestSpec(spec) }: { readonly spec: JsonObject; readonly digest?: string | undefined },
): Promise<string> {
  const digests = known.get(db) ?? new Recent<string, true>(KNOWN);
  known.set(db, digests);
  if (digests.get(digest)) return digest;
  digests.set(digest, await insert(db, { spec, digest }));
  return digest;
}

async function insert(
  db: ResultsDatabase,
  { spec, digest }: { readonly spec: JsonObject; readonly digest: string },
): Promise<true> {
  const there = await db
    .selectFrom('pipeline_specs')
    .select('spec_digest')
    .where('spec_digest', '=', digest)
    .executeTakeFirst();
  if (there) return true;
  await db
    .insertInto('pipeline_specs')
    .values({ spec_digest: digest, spec: toJsonb(spec) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return true;
}

/** @throws {NotFoundError} */
export async function getPipelineSpec(db: ResultsDatabase, { digest }: { digest: string }): Promise<JsonObject> {
  const row = await db.selectFrom('pipeline_specs').select('spec').where('spec_digest', '=', digest).executeTakeFirst();
  if (!row) throw new NotFoundError({ entity: 'pipeline spec', id: digest });
  return row.spec;
}
