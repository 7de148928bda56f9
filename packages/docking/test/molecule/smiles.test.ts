import { InvalidSmilesError, parseSmiles } from '@mad/docking';
import { describe, expect, test } from 'vitest';
import { withRdkit } from '../../src/molecule/rdkit.ts';

/** A chain of fused benzene rings. */
const acene = (rings: number) => {
  const labels = Array.from({ length: rings - 2 }, (_, index) => `%(${index + 3})`);
  const back = labels.toReversed().map((label) => `c${label}c`);
  return `c1ccc2${labels.map((label) => `cc${label}`).join('')}cccc${back.join('')}c2c1`;
};

const problemOf = async (smiles: string) => {
  const error = await parseSmiles(smiles).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InvalidSmilesError);
  return (error as InvalidSmilesError).message;
};

describe('parseSmiles', () => {
  test('every spelling of a molecule has one canonical SMILES', async () => {
    const spellings = ['Oc1ccccc1', 'C1=CC=CC=C1O', 'c1ccc(cc1)O', '  c1ccc(O)cc1\n'];
    const canonical = await Promise.all(spellings.map(parseSmiles));
    expect(canonical).toEqual(spellings.map(() => ({ canonicalSmiles: 'Oc1ccccc1', heavyAtoms: 7 })));
  });

  test('stereochemistry and written charges are kept', async () => {
    expect((await parseSmiles('N[C@@H](C)C(=O)[O-]')).canonicalSmiles).toBe('C[C@H](N)C(=O)[O-]');
  });

  test.each([
    ['C(C)(C)(C)(C)C', /atom 1 \(C\) has 5 bonds/],
    ['', /it is empty/],
    ['C1CC', /a ring is opened and not closed/],
    ['CX', /stops at character 2/],
    ['c1cccc1', /no alternating bonds/],
    ['cC', /aromatic .* in no ring/],
    ['CCO ethanol', /white space/],
    ['CC(=O)[O-].[Na+]', /2 separate fragments; leave counter-ions/],
    ['[Zn+2]', /no carbon/],
    ['[H][H]', /no carbon/],
    ['*CC', /wildcard/],
    ['[CH3]', /unpaired electrons/],
    ['C'.repeat(201), /201 heavy atoms; dock molecules of at most 200/],
    ['C'.repeat(1200), /1200 heavy atoms/],
    ['C'.repeat(700), /700 heavy atoms/],
    ['c1ccccc1'.repeat(180), /1080 heavy atoms/],
    [`${'[13CH2]'.repeat(150)}${'Cl'.repeat(51)}`, /201 heavy atoms/],
    ['[H]'.repeat(700), /700 atoms/],
    [`C${'1'.repeat(100)}`, /50 rings; dock molecules of at most 40/],
    [`C${'('.repeat(300)}C${')'.repeat(300)}`, /nested too deep/],
    [`C${'='.repeat(6000)}C`, /6002 characters/],
    ['C\ud800', /character 2 is none/],
    ['Cé', /character 2 is none/],
    ['{"rdkitjson":{"version":11}}', /character 1 is none/],
  ])('%j is refused with the reason', async (smiles, reason) => {
    expect(await problemOf(smiles)).toMatch(reason);
  });

  test.each([
    ['a chain', 'C'.repeat(200)],
    ['a chain of isotopes in brackets', `[13CH3]${'[13CH2]'.repeat(198)}[13CH3]`],
    ['a chain of halogens', `C${'C(Cl)(Br)'.repeat(66)}C`],
    ['written hydrogens', `[H]C([H])([H])${'C([H])([H])'.repeat(198)}C([H])([H])[H]`],
    ['nested branches', `${'C('.repeat(199)}C${')'.repeat(199)}`],
    ['phenyl rings', 'c1ccc(cc1)'.repeat(33).replace(/\)$/, ')C')],
    ['fused aromatic rings', acene(40)],
  ])('as large a ligand as is allowed is read within seconds: %s', async (_, smiles) => {
    const started = performance.now();
    expect((await parseSmiles(smiles)).heavyAtoms).toBeGreaterThan(150);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('a molecule that breaks RDKit is refused, and the next ones are read', async () => {
    const [broken, ...others] = await Promise.allSettled([
      withRdkit((rdkit) => rdkit.get_mol('C'.repeat(1200))),
      parseSmiles('CCO'),
      parseSmiles('CCN'),
    ]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'MAD_DOCKING_INVALID_SMILES' } });
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect((await parseSmiles('OCC')).canonicalSmiles).toBe('CCO');
  });

  test('the message does not repeat the molecule', async () => {
    expect(await problemOf('CCCCBrSECRETCCC(')).not.toContain('SECRET');
  });
});
