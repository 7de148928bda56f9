import { open, rm, stat, truncate, utimes } from 'node:fs/promises';
import type { FilledCache, RecordedEntry } from './filled-cache.ts';

export interface Harm {
  readonly name: string;
  /** True: the entry is to be found in quarantine, with a row in the audit trail. */
  readonly isDamage: boolean;
  harm(filled: FilledCache, entries: readonly RecordedEntry[]): Promise<unknown>;
}

/** What may befall an entry between two questions, one thing at a time. */
export const HARMS: readonly Harm[] = [
  { name: 'file gone', isDamage: true, harm: (_, entries) => each(entries, ({ file }) => rm(file)) },
  { name: 'byte flipped', isDamage: true, harm: (_, entries) => each(entries, flipByte) },
  {
    name: 'size changed',
    isDamage: true,
    harm: (_, entries) =>
      each(entries, async ({ file }, n) => truncate(file, (await stat(file)).size + (n % 2 === 0 ? 1 : -1))),
  },
  { name: 'row edited', isDamage: true, harm: editRows },
  {
    name: 'canonical job deleted',
    isDamage: false,
    harm: ({ results }, entries) =>
      results
        .deleteFrom('jobs')
        .where(
          'job_id',
          'in',
          entries.map(({ jobId }) => jobId),
        )
        .execute(),
  },
  {
    name: 'expired meanwhile',
    isDamage: false,
    harm: ({ results }, entries) =>
      results
        .updateTable('result_cache')
        .set({ expires_at: new Date(Date.now() - 1_000) })
        .where(
          'cache_key',
          'in',
          entries.map(({ cacheKey }) => cacheKey),
        )
        .execute(),
  },
];

/** One bit of one byte; size and time of modification stay what they were. */
async function flipByte({ file }: RecordedEntry, n: number): Promise<void> {
  const { atime, mtime, size } = await stat(file);
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    const place = n % size;
    await handle.read(byte, 0, 1, place);
    byte.writeUInt8(byte.readUInt8(0) ^ (1 << (n % 8)));
    await handle.write(byte, 0, 1, place);
  } finally {
    await handle.close();
  }
  await utimes(file, atime, mtime);
}

/** Each entry in one column of one row, of its own or of what it serves. */
function editRows({ results }: FilledCache, entries: readonly RecordedEntry[]): Promise<unknown> {
  const ofEntry = (columns: object) => (keys: readonly RecordedEntry[]) =>
    results
      .updateTable('result_cache')
      .set(columns)
      .where(
        'cache_key',
        'in',
        keys.map(({ cacheKey }) => cacheKey),
      )
      .execute();
  const ofResult = (columns: object) => (keys: readonly RecordedEntry[]) =>
    results
      .updateTable('task_results')
      .set(columns)
      .where(
        'job_id',
        'in',
        keys.map(({ jobId }) => jobId),
      )
      .execute();
  const edits = [
    ofEntry({ confidence_score: 0.99 }),
    ofEntry({ determinism: 'exact' }),
    ofEntry({ artifact_map: {} }),
    ofEntry({ artifact_sizes: {} }),
    ofEntry({ producer: { service_name: 'forged' } }),
    ofEntry({ input_signature: 'f'.repeat(64) }),
    ofEntry({ content_digest: 'f'.repeat(64) }),
    ofEntry({ seal: null }),
    ofResult({ result_data: { affinity: -99 } }),
    ofResult({ service_name: 'forged' }),
  ];
  const wholeEdits = [
    (keys: readonly RecordedEntry[]) =>
      results
        .updateTable('docking_results')
        .set({ affinity: -9.700000000000001 })
        .where('job_id', 'in', jobsOf(keys))
        .execute(),
    (keys: readonly RecordedEntry[]) =>
      results.updateTable('job_outputs').set({ uri: 'mad://other' }).where('job_id', 'in', jobsOf(keys)).execute(),
    (keys: readonly RecordedEntry[]) =>
      results.deleteFrom('task_results').where('job_id', 'in', jobsOf(keys)).execute(),
    ...edits,
  ];
  const groups = Map.groupBy(entries.entries(), ([n, { isWhole }]) =>
    isWhole ? wholeEdits[n % wholeEdits.length] : edits[n % edits.length],
  );
  return Promise.all([...groups].map(([edit, group]) => edit?.(group.map(([, entry]) => entry))));
}

const jobsOf = (keys: readonly RecordedEntry[]): readonly string[] => keys.map(({ jobId }) => jobId);

async function each(
  entries: readonly RecordedEntry[],
  harm: (entry: RecordedEntry, n: number) => Promise<unknown>,
): Promise<void> {
  for (const [n, entry] of entries.entries()) await harm(entry, n);
}
