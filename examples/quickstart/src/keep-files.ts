import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JobResults, readArtifactText } from '@mad/core';
import type { OpenedPlatform } from './open-platform.ts';

const NAMES: Readonly<Record<string, string>> = {
  receptor_pdbqt: 'receptor.pdbqt',
  ligand_pdbqt: 'ligand.pdbqt',
  poses_pdbqt: 'poses.pdbqt',
  log: 'vina.log',
};

/** Copies a job's files under names that a molecule viewer opens; returns the folder they are in. */
export async function keepFiles(
  { platform, caller }: OpenedPlatform,
  { results, folder }: { results: JobResults; folder: string },
): Promise<string> {
  const to = join(folder, 'jobs', results.canonicalJobId ?? results.jobId);
  await mkdir(to, { recursive: true });
  for (const [key, { digest }] of Object.entries(results.artifacts)) {
    if (digest)
      await writeFile(
        join(to, NAMES[key] ?? key),
        await readArtifactText(platform.artifacts, { orgId: caller.orgId, digest }),
      );
  }
  return to;
}
