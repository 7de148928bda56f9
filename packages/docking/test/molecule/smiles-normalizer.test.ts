import { expect, test } from 'vitest';
import { smilesNormalizer } from '../../src/index.ts';

test.each([
  ['aspirin', ['CC(=O)Oc1ccccc1C(=O)O', 'OC(=O)C1=CC=CC=C1OC(C)=O', 'O=C(C)Oc1c(cccc1)C(O)=O\n']],
  ['L-alanine', ['C[C@H](N)C(=O)O', 'N[C@@H](C)C(=O)O', 'OC(=O)[C@@H](N)C']],
  ['sodium acetate', ['[Na+].CC(=O)[O-]', 'CC([O-])=O.[Na+]']],
])('every spelling of %s is one text, which is its own', async (_name, spellings) => {
  const [first = '', ...others] = await Promise.all(spellings.map(smilesNormalizer));
  expect(first).not.toBe('');
  for (const other of others) expect(other).toBe(first);
  expect(await smilesNormalizer(first)).toBe(first);
});

test.each([
  ['enantiomers', 'C[C@H](N)C(=O)O', 'C[C@@H](N)C(=O)O'],
  ['a centre that is not told', 'C[C@H](N)C(=O)O', 'CC(N)C(=O)O'],
  ['double bonds', 'C/C=C/C', 'C/C=C\\C'],
  ['tautomers', 'Oc1ccccn1', 'O=c1cccc[nH]1'],
  ['charges', 'CC(=O)O', 'CC(=O)[O-]'],
  ['isotopes', 'CCO', '[13CH3]CO'],
])('%s stay apart', async (_what, one, other) => {
  const [a, b] = await Promise.all([smilesNormalizer(one), smilesNormalizer(other)]);
  expect(a).toBeTypeOf('string');
  expect(a).not.toBe(b);
});

test.each(['', 'no molecule', 'C1CC', 'CCO ethanol', 'CCO\nCCN', 'C(C)(C)(C)(C)C', 'C'.repeat(1_000)])(
  '%j is left as it is',
  async (text) => {
    expect(await smilesNormalizer(text)).toBeUndefined();
  },
);
