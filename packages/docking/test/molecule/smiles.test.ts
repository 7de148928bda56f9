import { InvalidSmilesError, parseSmiles } from '@mad/docking';
import { describe, expect, test } from 'vitest';

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
  ])('%j is refused with the reason', async (smiles, reason) => {
    expect(await problemOf(smiles)).toMatch(reason);
  });

  test('the message does not repeat the molecule', async () => {
    expect(await problemOf('CCCCBrSECRETCCC(')).not.toContain('SECRET');
  });
});
