import { createRequire } from 'node:module';
import type { MainModule, Mol } from '@rdkit/rdkit';
import { InvalidSmilesError } from '../errors.ts';

const require = createRequire(import.meta.url);
let loading: Promise<MainModule> | undefined;

/**
 * Calls `use` with RDKit, which is loaded once a process (0.1–0.3 s), and again after it broke: a fault leaves its memory damaged, so that every later
 * molecule would fail. Nothing that `use` was given may outlive it.
 * @throws {InvalidSmilesError} when RDKit broke down on the molecule.
 */
export async function withRdkit<T>(use: (rdkit: MainModule) => T): Promise<T> {
  let mine: Promise<MainModule>;
  let rdkit: MainModule;
  do {
    loading ??= load();
    mine = loading;
    rdkit = await mine;
    // Another call may have broken this one while we waited for it.
  } while (mine !== loading);
  try {
    return use(rdkit);
  } catch (cause) {
    // By name: TypeScript's types for Node.js know no WebAssembly.RuntimeError. RangeError is a stack that is used up.
    if (!(cause instanceof Error && ['RuntimeError', 'RangeError'].includes(cause.name))) throw cause;
    loading = undefined;
    throw new InvalidSmilesError({
      problem: 'RDKit breaks down on it',
      advice: 'give a smaller or simpler molecule',
      cause,
    });
  }
}

/**
 * Calls `use` with what RDKit read (null: nothing) and frees it, whatever happens. What is left to the garbage collector is freed at some later time,
 * where a fault of damaged memory has no caller to catch it and ends the process.
 */
export function withMolecule<T>(molecule: Mol | null, use: (molecule: Mol | null) => T): T {
  try {
    return use(molecule);
  } finally {
    molecule?.delete();
  }
}

async function load(): Promise<MainModule> {
  try {
    // The package is CommonJS and finds its .wasm beside itself only when it is required.
    return await (require('@rdkit/rdkit') as (options: object) => Promise<MainModule>)({ print() {}, printErr() {} });
  } catch (error) {
    loading = undefined;
    throw error;
  }
}
