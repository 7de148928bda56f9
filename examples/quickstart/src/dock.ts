import { readFile } from 'node:fs/promises';
import {
  followJob,
  formatMoleculeUri,
  getJobResults,
  inOrganization,
  insertMolecule,
  type JobResults,
  listMolecules,
  newId,
  readArtifactText,
  submitJob,
} from '@mad/core';
import { boxAround, type CrystalLigand, findCrystalLigand, heavyAtomRmsd, parseVinaPdbqt } from '@mad/docking';
import type { Arguments } from './arguments.ts';
import type { OpenedPlatform } from './open-platform.ts';
import { showProgress } from './show-progress.ts';

const STRUCTURE = new URL('../data/5dt0.pdb', import.meta.url);
/** Its residue name in the structure. */
const CRYSTAL_LIGAND = 'SKE';
/** Å around the crystal ligand on every side. */
const PADDING = 6;

export interface DockingRun {
  readonly results: JobResults;
  /** The same job, submitted once more; null where there was nothing to repeat because the job failed. */
  readonly repeat: {
    readonly jobId: string;
    readonly hit: boolean;
    readonly canonicalJobId: string | null;
    readonly ms: number;
  } | null;
  /** Heavy-atom RMSD in Å of the best pose to the crystal ligand; null where another molecule was docked. */
  readonly rmsdToCrystal: number | null;
}

/** Thrown when the signal aborted while the job ran. The job is kept: the next executor on its databases goes on with it. */
export class JobLeftError extends Error {
  constructor(jobId: string) {
    super(`job ${jobId} is not done`);
  }
}

/** Docks the asked molecule into 5DT0 and, when that has given poses, submits the same job again. @throws {JobLeftError} */
export async function dock(opened: OpenedPlatform, asked: Arguments, signal?: AbortSignal): Promise<DockingRun> {
  const { platform, caller } = opened;
  const structure = await readFile(STRUCTURE, 'utf8');
  const crystal = findCrystalLigand(structure, { residueName: CRYSTAL_LIGAND });
  const job = {
    pipeline: 'docking',
    inputs: { receptor: await provideReceptor(opened, structure) },
    parameters: {
      smiles: asked.smiles,
      ...box(crystal, asked),
      exhaustiveness: asked.exhaustiveness,
      ...(asked.seed === undefined ? {} : { seed: asked.seed }),
    },
  };
  const { jobId } = await submitJob(platform, caller, { ...job, useCache: !asked.fresh });
  await showProgress(followJob(platform, caller, { jobId, signal }));
  if (signal?.aborted) throw new JobLeftError(jobId);
  const results = await getJobResults(platform, caller, { jobId });

  if (results.status !== 'COMPLETED') return { results, repeat: null, rmsdToCrystal: null };

  const started = performance.now();
  const again = await submitJob(platform, caller, job);
  const ms = performance.now() - started;
  return {
    results,
    repeat: { jobId: again.jobId, ...again.cache, ms },
    rmsdToCrystal: await compare(opened, { results, crystal }),
  };
}

/** The URI of the protein in the catalogue of molecules, where the first run puts it. */
async function provideReceptor({ platform, caller }: OpenedPlatform, structure: string): Promise<string> {
  const { digest, sizeBytes } = await platform.artifacts.put(caller.orgId, structure);
  return inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const [known] = (await listMolecules(tx, { checksum: digest, limit: 1 })).items;
    if (known) return known.uri;
    const moleculeId = newId();
    const uri = formatMoleculeUri({ orgId: caller.orgId, moleculeId, format: 'pdb' });
    const facts = { name: 'Aurora A kinase (5DT0)', format: 'pdb', uri, size_bytes: sizeBytes, checksum: digest };
    return (await insertMolecule(tx, { molecule_id: moleculeId, ...facts, created_by: caller.userId })).uri;
  });
}

function box(crystal: CrystalLigand | undefined, { center, size }: Arguments) {
  const around = boxAround(crystal?.atoms ?? [], { padding: PADDING });
  const point = ([x, y, z]: readonly [number, number, number]) => ({ x, y, z });
  return { center: center ? point(center) : { ...around.center }, size: size ? point(size) : { ...around.size } };
}

async function compare(
  { platform, caller }: OpenedPlatform,
  { results, crystal }: { results: JobResults; crystal: CrystalLigand | undefined },
): Promise<number | null> {
  const digest = results.artifacts.poses_pdbqt?.digest;
  if (!digest || !crystal) return null;
  const [best] = parseVinaPdbqt(await readArtifactText(platform.artifacts, { orgId: caller.orgId, digest }));
  try {
    return best ? heavyAtomRmsd(best, crystal) : null;
  } catch {
    // Another molecule than the crystal's has no place there to compare with.
    return null;
  }
}
