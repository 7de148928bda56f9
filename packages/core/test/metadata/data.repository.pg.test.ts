import { beforeAll, expect, test } from 'vitest';
import { ConflictError, NotFoundError, ValidationFailedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import {
  deleteArtifact,
  getArtifact,
  insertArtifact,
  listArtifacts,
  updateArtifact,
} from '../../src/metadata/artifact.repository.ts';
import {
  countJobsMeta,
  deleteJobMeta,
  getJobMeta,
  type JobMetaMirror,
  listJobsMeta,
  mirrorJobsMeta,
} from '../../src/metadata/job-meta.repository.ts';
import {
  inAllOrganizations,
  inOrganization,
  type OrganizationTransaction,
} from '../../src/metadata/metadata-database.ts';
import {
  deleteMolecule,
  getMolecule,
  insertMolecule,
  listMolecules,
  updateMolecule,
} from '../../src/metadata/molecule.repository.ts';
import { updatePipeline } from '../../src/metadata/pipeline.repository.ts';
import { describeOnEachDatabase } from './each-database.ts';
import { fillOrganization, insertTestPipeline } from './fill-organization.ts';

describeOnEachDatabase((db) => {
  let a: Awaited<ReturnType<typeof fillOrganization>>;
  let b: typeof a;
  beforeAll(async () => {
    a = await fillOrganization(db());
    b = await fillOrganization(db());
  });
  const asA = <T>(run: (tx: OrganizationTransaction) => Promise<T>): Promise<T> => inOrganization(db(), a.org_id, run);

  test('molecules are found by name and checksum; sizes are numbers', async () => {
    await asA(async (tx) => {
      const molecule = await insertMolecule(tx, {
        name: '5dt0',
        format: 'pdb',
        uri: 'mad://3',
        size_bytes: 3_000_000_000,
        checksum: 'aa',
      });
      const moleculeId = molecule.molecule_id;
      expect(molecule).toMatchObject({ org_id: a.org_id, size_bytes: 3_000_000_000 });
      expect((await listMolecules(tx, { checksum: 'aa' })).items).toEqual([molecule]);
      expect((await listMolecules(tx, { name: '5dt0' })).items).toEqual([molecule]);
      expect(await updateMolecule(tx, { moleculeId, set: { name: 'aurora' } })).toMatchObject({
        name: 'aurora',
        size_bytes: 3_000_000_000,
      });
      expect([
        await deleteMolecule(tx, { moleculeId }),
        await deleteMolecule(tx, { moleculeId: b.molecule_id }),
      ]).toEqual([true, false]);
      await expect(getMolecule(tx, { moleculeId })).rejects.toThrow(NotFoundError);
      await expect(getMolecule(tx, { moleculeId: 'not-an-id' })).rejects.toThrow(NotFoundError);
    });
  });

  test("an organization named in a caller's object is not the one that is written", async () => {
    const smuggled = { name: 'x', format: 'sdf', uri: 'mad://4', org_id: b.org_id };
    const molecule = await asA((tx) => insertMolecule(tx, smuggled));
    expect(molecule.org_id).toBe(a.org_id);
    expect(await asA((tx) => deleteMolecule(tx, { moleculeId: molecule.molecule_id }))).toBe(true);
  });

  test('artifacts are found by purpose and URI', async () => {
    await asA(async (tx) => {
      const artifact = await insertArtifact(tx, { purpose: 'log', uri: 'mad://5', size_bytes: 12 });
      const artifactId = artifact.artifact_id;
      expect((await listArtifacts(tx, { purpose: 'log', uri: 'mad://5' })).items).toEqual([artifact]);
      expect(await updateArtifact(tx, { artifactId, set: { content_type: 'text/plain' } })).toMatchObject({
        content_type: 'text/plain',
        size_bytes: 12,
      });
      expect(await deleteArtifact(tx, { artifactId })).toBe(true);
      await expect(getArtifact(tx, { artifactId })).rejects.toThrow(NotFoundError);
    });
  });

  test('pages hold every row once, newest first, though all rows have one timestamp', async () => {
    const ids = await asA(async (tx) => {
      const rows = Array.from({ length: 120 }, (_, index) => ({
        molecule_id: newId(),
        org_id: a.org_id,
        name: `m${index}`,
        format: 'sdf',
        uri: 'mad://6',
        checksum: 'page',
        created_at: '2026-01-01T00:00:00.123456Z',
      }));
      await tx.insertInto('molecules').values(rows).execute();
      return rows.map((row) => row.molecule_id).reverse();
    });
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await asA((tx) => listMolecules(tx, { limit: 25, checksum: 'page', cursor }));
      seen.push(...page.items.map((row) => row.molecule_id));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== undefined && pages < 10);
    expect(seen).toEqual(ids);
    expect(pages).toBe(5);
  });

  test('a page that ends with the last row has no next one, and a foreign cursor is refused', async () => {
    const page = await asA((tx) => listMolecules(tx, { limit: 120, checksum: 'page' }));
    expect([page.items.length, page.nextCursor]).toEqual([120, undefined]);
    const cursor = Buffer.from(JSON.stringify(["' or true"])).toString('base64url');
    await expect(asA((tx) => listMolecules(tx, { cursor }))).rejects.toThrow(ValidationFailedError);
  });

  const job = (columns: Partial<JobMetaMirror> = {}): JobMetaMirror => {
    const { pipeline_id, pipeline_version_id } = a;
    return { job_id: newId(), pipeline_id, pipeline_version_id, status: 'PENDING', fence: 0, event_no: 1, ...columns };
  };

  test('jobs are filtered and counted, and a key names one of them', async () => {
    const screening_id = newId();
    const first = job({ screening_id, item_key: 'a', submitted_by: a.user_id, idempotency_key: 'k1', priority: 5 });
    const second = job({ screening_id, item_key: 'b', status: 'COMPLETED' });
    await asA(async (tx) => {
      expect(await mirrorJobsMeta(tx, [first, second])).toEqual(new Set([first.job_id, second.job_id]));
      expect(await getJobMeta(tx, { jobId: first.job_id })).toMatchObject({ ...first, org_id: a.org_id });
      const list = async (filter: object) =>
        (await listJobsMeta(tx, { screeningId: screening_id, ...filter })).items.map((row) => row.item_key);
      expect(await list({})).toEqual(['b', 'a']);
      expect(await list({ statuses: ['PENDING', 'RUNNING'] })).toEqual(['a']);
      expect(await list({ statuses: [] })).toEqual([]);
      expect(await list({ submittedBy: a.user_id, pipelineId: a.pipeline_id })).toEqual(['a']);
      expect(await list({ createdSince: new Date('2999-01-01') })).toEqual([]);
      expect(await countJobsMeta(tx, { screeningId: screening_id })).toBe(2);
      expect(await deleteJobMeta(tx, { jobId: second.job_id })).toBe(true);
    });
    await expect(asA((tx) => mirrorJobsMeta(tx, [job({ idempotency_key: 'k1' })]))).rejects.toThrow(ConflictError);
    expect(await inAllOrganizations(db(), (tx) => countJobsMeta(tx, { statuses: ['PENDING'] }))).toBeGreaterThan(2);
    await expect(inOrganization(db(), b.org_id, (tx) => getJobMeta(tx, { jobId: first.job_id }))).rejects.toThrow(
      NotFoundError,
    );
  });

  test('the mirror ends at the latest state in whatever order the states arrive', async () => {
    const { job_id } = job();
    const states: JobMetaMirror[] = [
      job({ job_id, status: 'RUNNING', fence: 1, event_no: 2 }),
      job({ job_id, status: 'PENDING', fence: 1, event_no: 3 }),
      job({ job_id, status: 'RUNNING', fence: 2, event_no: 4 }),
      job({ job_id, status: 'FAILED', fence: 2, event_no: 10, error_code: 'NO_POSES' }),
    ];
    const mirror = (state: JobMetaMirror | undefined) =>
      asA(async (tx) => state && (await mirrorJobsMeta(tx, [state])).size > 0);
    expect([
      await mirror(states[1]),
      await mirror(states[0]),
      await mirror(states[3]),
      await mirror(states[2]),
      await mirror(states[3]),
    ]).toEqual([true, false, true, false, false]);
    expect(await asA((tx) => getJobMeta(tx, { jobId: job_id }))).toMatchObject({
      status: 'FAILED',
      fence: 2,
      event_no: 10,
      error_code: 'NO_POSES',
    });

    const shuffled = job();
    await Promise.all(states.toReversed().map((state) => mirror({ ...state, job_id: shuffled.job_id })));
    expect(await asA((tx) => getJobMeta(tx, { jobId: shuffled.job_id }))).toMatchObject({
      status: 'FAILED',
      fence: 2,
      event_no: 10,
    });
  });

  test('the mirror of an accepted job moves on when its pipeline ceases to be public', async () => {
    const shared = await inOrganization(db(), b.org_id, (tx) =>
      insertTestPipeline(tx, { name: newId(), visibility: 'public' }),
    );
    const accepted = job(shared);
    const mirror = async (state: JobMetaMirror) => (await asA((tx) => mirrorJobsMeta(tx, [state]))).size > 0;
    await mirror(accepted);
    await inOrganization(db(), b.org_id, (tx) =>
      updatePipeline(tx, { pipelineId: shared.pipeline_id, set: { visibility: 'org' } }),
    );
    expect(await mirror({ ...accepted, status: 'RUNNING', fence: 1, event_no: 2 })).toBe(true);
    expect(await mirror(accepted)).toBe(false);
    await expect(mirror(job(shared))).rejects.toMatchObject({
      constraint: 'jobs_meta_pipeline_visible',
    });
  });
});
