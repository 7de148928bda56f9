import type { JsonObject } from '@mad/core';

const ATOM = 'ATOM      1  N   ALA A   1      11.104   6.134  -6.504  1.00  0.00     0.123 N \n';

/** A docking request of a kilobyte, as it comes from a server's body; its receptor an artifact, or text of so many characters. */
export function requestWith({ receptor, nonce }: { readonly receptor: number; readonly nonce: string }): JsonObject {
  const text = `REMARK ${nonce}\n${ATOM.repeat(Math.ceil(receptor / ATOM.length))}`.slice(0, receptor);
  const request = {
    receptor: receptor > 0 ? text : file('b', 'chemical/x-pdbqt', 171_320),
    reference: file('a', 'chemical/x-mdl-sdfile', 4_112),
    smiles: 'CC1=C(C=C(C=C1)NC(=O)C2=CC=C(C=C2)CN3CCN(CC3)C)NC4=NC=CC(=N4)C5=CN=CC=C5',
    title: `imatinib in the kinase domain of Abl, redocked with the settings of the night run ${nonce}`,
    center: { x: 15.614, y: 53.38, z: 15.454 },
    size: { x: 20, y: 20, z: 22.5 },
    exhaustiveness: 32,
    num_modes: 9,
    energy_range: 3,
    min_rmsd: 1,
    spacing: 0.375,
    seed: 42,
    scoring: 'vina',
    flexible: ['A:THR315', 'A:MET318', 'A:GLU286', 'A:ASP381'],
    preparation: { ph: 7.4, addHydrogens: true, keepWaters: false, charges: 'gasteiger' },
    constraints: [
      { residue: 'A:MET318', atom: 'N', distance: 3.2, tolerance: 0.5 },
      { residue: 'A:ASP381', atom: 'OD1', distance: 3.5, tolerance: 0.5 },
    ],
  };
  return JSON.parse(JSON.stringify(request)) as JsonObject;
}

const file = (digit: string, contentType: string, sizeBytes: number): JsonObject => ({
  $artifact: digit.repeat(64),
  contentType,
  sizeBytes,
});
