import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { digest, NotPlainJsonError, normalizedDigest } from '../../src/index.ts';

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('text, bytes and a stream of the same content have one digest', async () => {
  expect(digest('abc')).toBe(ABC);
  expect(digest(new TextEncoder().encode('abc'))).toBe(ABC);
  expect(await digest(Readable.from([Buffer.from('a'), Buffer.from('bc')]))).toBe(ABC);
});

test('text that has no UTF-8 is refused', async () => {
  expect(() => digest('\ud800')).toThrow(NotPlainJsonError);
  await expect(digest(Readable.from(['\ud800']))).rejects.toThrow(NotPlainJsonError);
});

const SDF = ['imatinib', '  RDKit          3D', '', '  1  0  0  0  0  0  0  0  0  0999 V2000', 'M  END', '$$$$', ''];
const sdf = (changes: Record<number, string>) => SDF.map((line, i) => changes[i] ?? line).join('\n');

test('the same SDF downloaded twice is one molecule', () => {
  const digestOf = (text: string) => normalizedDigest(text, 'chemical/x-mdl-sdfile');
  const once = digestOf(sdf({ 1: '  -OEChem-01012613483D' }));
  expect(digestOf(sdf({ 1: '  -OEChem-11222609123D' }))).toBe(once);
  expect(digestOf(sdf({ 1: '  -OEChem-01012613483D' }).replaceAll('\n', ' \r\n'))).toBe(once);
  expect(
    normalizedDigest(Buffer.from(sdf({ 1: '  -OEChem-01012613483D' })), 'Chemical/X-MDL-SDFile; charset=utf-8'),
  ).toBe(once);
  expect(
    digestOf(sdf({ 1: '  -OEChem-01012613482D' })),
    'the dimension code decides how stereochemistry is read',
  ).not.toBe(once);
  expect(digestOf(sdf({ 0: 'nilotinib', 1: '  -OEChem-01012613483D' }))).not.toBe(once);
});

test('the header is left out of every record of an SDF, never the second line after another', () => {
  const digestOf = (...stamps: string[]) =>
    normalizedDigest(stamps.map((stamp) => sdf({ 1: stamp })).join(''), 'chemical/x-mdl-sdfile');
  expect(digestOf('monday', 'tuesday')).toBe(digestOf('friday', 'sunday'));
  expect(digestOf('monday')).not.toBe(digestOf('monday', 'monday'));
});

test('four dollars before the counts line end no record', () => {
  const counts = (n: number) =>
    ['$$$$', '$$$$', '', `  ${n}  0  0  0  0  0  0  0  0  0999 V2000`, 'M  END', ''].join('\n');
  for (const type of ['chemical/x-mdl-molfile', 'chemical/x-mdl-sdfile'])
    for (const from of [0, 1, 2, 3]) {
      const [one, two] = [1, 2].map((n) => normalizedDigest(counts(n).split('\n').slice(from).join('\n'), type));
      expect(one, `${type} from line ${from}`).not.toBe(two);
    }
  const named = (name: string) => normalizedDigest(`$$$$\n${name}\nstamp\n\n  1  0\n$$$$\n`, 'chemical/x-mdl-sdfile');
  expect(named('a'), 'to some readers the record begins behind them').not.toBe(named('b'));
});

test('a MOL file is one record, whatever follows it', () => {
  const digestOf = (text: string) => normalizedDigest(text, 'chemical/x-mdl-molfile');
  expect(digestOf(sdf({ 1: 'monday' }))).toBe(digestOf(sdf({ 1: 'friday' })));
  expect(digestOf(sdf({}) + sdf({ 1: 'monday' }))).not.toBe(digestOf(sdf({}) + sdf({ 1: 'friday' })));
});

const PDB = [
  'HEADER    TRANSFERASE                             18-AUG-03   1OYT              ',
  'AUTHOR    SOMEONE',
  'REMARK 300 A REMARK',
  'ATOM      1  N   ALA A   1      11.104   6.134  -6.504  1.00  0.00           N',
  'ATOM      2  CA  ALA A   1      11.639   6.071  -5.147  1.00  0.00           C',
];

test('remarks, authors and the date of a PDB file do not matter, everything else does', () => {
  const digestOf = (lines: string[]) => normalizedDigest(lines.join('\n'), 'chemical/x-pdb');
  const once = digestOf(PDB);
  expect(digestOf(PDB.filter((line) => !/REMARK|AUTHOR/.test(line)))).toBe(once);
  expect(digestOf(PDB.map((line) => line.replace('18-AUG-03', '01-JAN-26').trimEnd()))).toBe(once);
  expect(digestOf(PDB.map((line) => line.replace('1OYT', '2OYT')))).not.toBe(once);
  expect(digestOf(PDB.map((line) => line.replace('11.639', '11.640')))).not.toBe(once);
  expect(
    digestOf([...PDB.slice(0, 3), ...PDB.slice(3).reverse()]),
    'a changed order of atoms is a changed seed',
  ).not.toBe(once);
});

test.each(['REMARKABLE', 'REMARK1', 'AUTHORS', 'AUTHOR_'])('%s is no record that is left out', (name) => {
  const digestOf = (...lines: string[]) => normalizedDigest([...PDB, ...lines].join('\n'), 'chemical/x-pdb');
  expect(digestOf(`${name}  1`)).not.toBe(digestOf(`${name}  2`));
  expect(digestOf(name)).not.toBe(digestOf());
  expect(digestOf('REMARK', 'AUTHOR', 'REMARK 350 BIOMT1   1  1.000000')).toBe(digestOf());
});

test('only a HEADER record has a date', () => {
  const digestOf = (name: string, date: string) =>
    normalizedDigest(`${name.padEnd(50)}${date}   1OYT`, 'chemical/x-pdb');
  expect(digestOf('HEADER', '18-AUG-03')).toBe(digestOf('HEADER', '01-JAN-26'));
  expect(digestOf('HEADERS', '18-AUG-03')).not.toBe(digestOf('HEADERS', '01-JAN-26'));
});

test('a remark of a PDBQT file carries scores and stays', () => {
  const digestOf = (text: string) => normalizedDigest(text, 'chemical/x-pdbqt');
  expect(digestOf('REMARK VINA RESULT: -7.0\nROOT  \r\n')).toBe(digestOf('REMARK VINA RESULT: -7.0\nROOT\n'));
  expect(digestOf('REMARK VINA RESULT: -7.0\n')).not.toBe(digestOf('REMARK VINA RESULT: -8.0\n'));
});

test('unknown content and text that is not UTF-8 count by their exact bytes', () => {
  expect(normalizedDigest('abc \r\n', 'application/octet-stream')).toBe(digest('abc \r\n'));
  const latin1 = Buffer.from('caf\xe9 \r\n', 'latin1');
  expect(normalizedDigest(latin1, 'chemical/x-pdb')).toBe(digest(latin1));
});
