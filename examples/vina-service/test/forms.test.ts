import type { JsonObject } from '@mad/core';
import { compileSchema } from '@mad/core';
import { describeForm } from '@mad/tasks';
import { expect, test } from 'vitest';
import { defineDock } from '../src/dock.ts';
import { definePrepareLigand } from '../src/prepare-ligand.ts';
import { definePrepareReceptor } from '../src/prepare-receptor.ts';

const file = { $artifact: '0'.repeat(64), contentType: 'chemical/x-pdbqt', sizeBytes: 1 };
const point = (limits: object) =>
  ['x', 'y', 'z'].map((name) => ({ name, kind: 'number', unit: 'Å', required: true, limits }));

test('the form of a docking asks for two files, a box in ångström and, if one likes, how to search', () => {
  const { title, fields, schema } = describeForm(defineDock('AutoDock Vina').document);
  expect(title).toBe('Dock with AutoDock Vina');
  const pdbqt = { kind: 'file', required: true, accept: ['chemical/x-pdbqt'], base64: false };
  expect(fields.slice(0, 4)).toMatchObject([
    { pointer: '/receptor', title: 'Prepared receptor', ...pdbqt },
    { pointer: '/ligand', title: 'Prepared ligand', ...pdbqt },
    { pointer: '/center', kind: 'group', required: true, fields: point({ minimum: -10_000, maximum: 10_000 }) },
    { pointer: '/size', kind: 'group', required: true, fields: point({ exclusiveMinimum: 0, maximum: 100 }) },
  ]);
  const search = fields.slice(4);
  expect(search.every(({ required }) => !required)).toBe(true);
  expect(search).toContainEqual(expect.objectContaining({ name: 'exhaustiveness', kind: 'integer', default: 8 }));
  const request: JsonObject = {
    receptor: file,
    ligand: file,
    center: { x: 0, y: 0, z: 0 },
    size: { x: 20, y: 20, z: 20 },
  };
  expect(compileSchema(schema).check(request)).toEqual([]);
  expect(compileSchema(schema).check({ ...request, size: { x: 0, y: 20, z: 20 } })).toHaveLength(1);
});

test('the forms of the preparations ask for what is prepared', () => {
  expect(describeForm(definePrepareLigand('RDKit').document).fields[0]).toMatchObject({
    kind: 'longText',
    title: 'SMILES',
    required: true,
    examples: ['Oc1ccccc1'],
  });
  expect(describeForm(definePrepareReceptor('Open Babel').document).fields[0]).toMatchObject({
    kind: 'file',
    required: true,
    accept: ['chemical/x-pdb'],
  });
});
