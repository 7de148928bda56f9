import { readFileSync } from 'node:fs';
import type { JsonObject } from '@mad/core';
import type { TaskService } from '@mad/tasks/service';
import { describeWithPrograms, listChildren } from '@mad/testkit';
import { createVinaService } from '@mad-examples/vina-service';
import { afterAll, beforeAll, expect, test } from 'vitest';

const auroraA = readFileSync(new URL('../../quickstart/data/5dt0.pdb', import.meta.url), 'utf8');
const pocket = { center: { x: -5, y: -31, z: 6 }, size: { x: 15, y: 15, z: 15 } };

describeWithPrograms('vina-service', () => {
  let service: TaskService;
  let url: string;
  let prepared: { receptor: string; ligand: string };

  const call = async (path: string, { method = 'GET', body }: { method?: string; body?: object } = {}) => {
    const headers = { 'content-type': 'application/json', prefer: 'wait=20' };
    const init = body ? { method: 'POST', body: JSON.stringify(body), headers } : { method, headers };
    const response = await fetch(url + path, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as JsonObject };
  };
  const execute = (taskKey: string, body: object) => call(`/${taskKey}/execute`, { body });

  /** Starts a docking of phenol and follows it to its end. */
  async function dock(more: object = {}): Promise<JsonObject> {
    const accepted = await execute('dock', { ...prepared, ...pocket, exhaustiveness: 1, ...more });
    expect(accepted.status).toBe(202);
    let state = accepted.body;
    while (state.status === 'PENDING' || state.status === 'RUNNING') {
      state = (await call(`/dock/${accepted.headers.get('location')}`)).body;
    }
    return state;
  }

  beforeAll(async () => {
    service = await createVinaService();
    ({ url } = await service.listen());
    const [receptor, ligand] = await Promise.all([
      execute('prepare-receptor', { receptor: auroraA }),
      execute('prepare-ligand', { smiles: 'C1=CC=CC=C1O' }),
    ]);
    expect(receptor).toMatchObject({ status: 200, body: { atoms: 2583, removed_residues: ['SKE', 'HOH'] } });
    expect(ligand).toMatchObject({ status: 200, body: { canonical_smiles: 'Oc1ccccc1', heavy_atoms: 7 } });
    prepared = { receptor: String(receptor.body.receptor), ligand: String(ligand.body.ligand) };
  });

  afterAll(() => service.close({ graceMs: 0 }));

  test.each([
    ['prepare-receptor', 'exact', /^Open Babel 3/],
    ['prepare-ligand', 'exact', /^RDKit \S+, OpenChemLib \S+, Open Babel 3/],
    ['dock', 'seeded', /^AutoDock Vina v?1\.2/],
  ])('%s tells its interface, its determinism and the programs behind it', async (taskKey, determinism, producer) => {
    const { body } = await call(`/${taskKey}/openapi.json`);
    const declared = { taskKey, determinism, producer: expect.stringMatching(producer) };
    expect(body).toMatchObject({ openapi: '3.1.0', info: { version: '1.0.0', 'x-mad': declared } });
  });

  test('files have their media types, and the number of threads is kept out of cache keys', async () => {
    const { body } = await call('/dock/openapi.json');
    const file = { type: 'string', contentMediaType: 'chemical/x-pdbqt' };
    const request = { receptor: file, ligand: file, cpu: { 'x-mad-cache': 'ignore' }, exhaustiveness: { default: 8 } };
    const response = { poses_pdbqt: file, log: { contentMediaType: 'text/plain' } };
    const schemas = { Request: { properties: request }, Response: { properties: response } };
    expect(body).toMatchObject({ components: { schemas } });
  });

  test('a docking ends with ranked poses, and its seed repeats it', async () => {
    const first = await dock();
    expect(first).toMatchObject({ status: 'COMPLETED', progress: 1, result: { confidence_score: null } });
    const result = first.result as JsonObject & { poses: { rank: number; affinity: number }[] };
    expect(result.poses.map(({ rank }) => rank)).toEqual(result.poses.map((_, index) => index + 1));
    expect(result.poses[0]?.affinity).toBeLessThan(-3);
    const again = (await dock({ seed: result.seed, cpu: 1 })).result as JsonObject;
    expect(again).toMatchObject({ poses: result.poses, poses_pdbqt: result.poses_pdbqt, seed: result.seed });
  });

  test('a missed box fails with NO_POSES and says what to do', async () => {
    const error = { code: 'NO_POSES', retryable: false, message: expect.stringContaining('misses the receptor') };
    expect(await dock({ center: { x: 500, y: 0, z: 0 } })).toMatchObject({ status: 'FAILED', error });
  });

  test.each([
    ['prepare-ligand', { smiles: 'CC(C)(C)(C)C' }, 'INVALID_SMILES'],
    ['prepare-ligand', { smiles: 'C'.repeat(1200) }, 'INVALID_SMILES'],
    ['prepare-ligand', { smiles: 'c1ccccc1'.repeat(180) }, 'INVALID_SMILES'],
    ['prepare-ligand', { smiles: 'CC(=O)[O-].[Na+]' }, 'INVALID_SMILES'],
    ['prepare-ligand', { smiles: 'CB(O)O' }, 'INVALID_LIGAND'],
    ['prepare-receptor', { receptor: 'data_5DT0\n' }, 'INVALID_RECEPTOR'],
    ['dock', { receptor: 'r', ligand: 'l', ...pocket, size: { x: 0, y: 15, z: 15 } }, 'VALIDATION_FAILED'],
    ['dock', { receptor: 'r', ligand: 'l', ...pocket, seed: 0 }, 'VALIDATION_FAILED'],
  ])('%s refuses %j', async (taskKey, body, code) => {
    expect(await execute(taskKey, body)).toMatchObject({ status: 422, body: { error: { code, retryable: false } } });
  });

  test('a canceled docking leaves no Vina behind', async () => {
    const vinas = () => listChildren(process.pid).filter(({ name }) => name === 'vina');
    const accepted = await execute('dock', { ...prepared, ...pocket, exhaustiveness: 1000 });
    const location = `/dock/${accepted.headers.get('location')}`;
    await expect.poll(vinas, { timeout: 10_000 }).toHaveLength(1);
    await call(location, { method: 'DELETE' });
    await expect.poll(vinas, { timeout: 5_000 }).toEqual([]);
    expect((await call(location)).body).toMatchObject({ status: 'CANCELED' });
  });
});
