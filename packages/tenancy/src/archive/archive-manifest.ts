import { z } from 'zod';
import { isReservedId } from '../organization/reserved-id.ts';
import { quotasSchema } from '../quota/quotas.ts';

/** What an archive says of itself in its last file, `manifest.json`. */
export const manifestSchema = z.strictObject({
  format: z.literal('mad-organization'),
  version: z.literal(1),
  exported_at: z.iso.datetime(),
  org_id: z
    .uuid()
    .lowercase()
    .refine((id) => !isReservedId(id), 'an id that no organization has'),
  organization: z.strictObject({
    name: z.string().max(200),
    quotas: quotasSchema,
    created_at: z.iso.datetime(),
  }),
  /** The newest migration of each database it was taken from. */
  schema_versions: z.strictObject({ metadata: z.string().max(100), results: z.string().max(100) }),
  /** The files that hold rows, in their order: lines of JSON. */
  parts: z.array(
    z.strictObject({
      name: z.string().max(100),
      rows: z.int().positive(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  /** Counters of the Results DB. */
  sequences: z.array(
    z.strictObject({
      table: z.string().max(63),
      column: z.string().max(63),
      last: z.string().regex(/^[0-9]{1,18}$/),
      is_called: z.boolean(),
    }),
  ),
  /** The stored files, each named by its SHA-256. */
  files: z.strictObject({ count: z.int().nonnegative(), bytes: z.int().nonnegative() }),
});

export type ArchiveManifest = z.infer<typeof manifestSchema>;

/** Where the lines of a table are: `results/jobs/000001.ndjson`. */
export function partName({ database, table, number }: ArchivePart): string {
  return `${database}/${table}/${String(number).padStart(6, '0')}.ndjson`;
}

export interface ArchivePart {
  readonly database: 'metadata' | 'results';
  readonly table: string;
  readonly number: number;
}

/** The part of this name; undefined for any other text. */
export function parsePartName(name: string): ArchivePart | undefined {
  const { database, table, number } =
    /^(?<database>metadata|results)\/(?<table>[a-z][a-z0-9_]{0,62})\/(?<number>\d{6})\.ndjson$/.exec(name)?.groups ??
    {};
  if (table === undefined || number === undefined) return undefined;
  return { database: database === 'metadata' ? 'metadata' : 'results', table, number: Number(number) };
}

/** How many rows an archive holds of each table, as `results.jobs`. */
export function countRows({ parts }: Pick<ArchiveManifest, 'parts'>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name, rows } of parts) {
    const part = parsePartName(name);
    if (part) counts[`${part.database}.${part.table}`] = (counts[`${part.database}.${part.table}`] ?? 0) + rows;
  }
  return counts;
}
