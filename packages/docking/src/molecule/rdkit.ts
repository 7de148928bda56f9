import { createRequire } from 'node:module';
import type { MainModule, Mol } from '@rdkit/rdkit';

const require = createRequire(import.meta.url);
let loading: Promise<MainModule> | undefined;

/** RDKit, loaded once a process (0.1–0.3 s). */
export function loadRdkit(): Promise<MainModule> {
  // The package is CommonJS and finds its .wasm beside itself only when it is required.
  loading ??= (require('@rdkit/rdkit') as (options: object) => Promise<MainModule>)({ print() {}, printErr() {} });
  return loading;
}

/** Calls `use` with a molecule and frees it afterwards: RDKit's memory is outside the garbage collector's reach. */
export function withMolecule<T>(molecule: Mol, use: (molecule: Mol) => T): T {
  try {
    return use(molecule);
  } finally {
    molecule.delete();
  }
}
