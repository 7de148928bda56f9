export {
  type Box,
  boxCenterSchema,
  boxSchema,
  boxSizeSchema,
  boxWarnings,
  describeBox,
  maxBoxEdge,
} from './box/box.ts';
export { boxAround } from './box/box-around.ts';
export { maxVinaSeed } from './engine/check-vina-options.ts';
export { type RunVina, runVina, type VinaResult } from './engine/run-vina.ts';
export {
  InvalidBoxError,
  InvalidDockingOptionsError,
  InvalidLigandError,
  InvalidPosesError,
  InvalidReceptorError,
  InvalidSmilesError,
  NoPosesError,
  ProgramFailedError,
  ProgramKilledError,
  ProgramMissingError,
  ProgramTimeoutError,
  StructureMismatchError,
} from './errors.ts';
export type { Atom, Bond, Point, Structure } from './molecule/atom.ts';
export { maxLigandHeavyAtoms } from './molecule/check-smiles-text.ts';
export { type CrystalLigand, type FindCrystalLigand, findCrystalLigand } from './molecule/crystal-ligand.ts';
export { type PdbAtom, parsePdbAtoms } from './molecule/pdb.ts';
export { type PdbqtAtom, parsePdbqtAtoms } from './molecule/pdbqt.ts';
export { parseSmiles, type ReadSmiles } from './molecule/smiles.ts';
export { smilesNormalizer } from './molecule/smiles-normalizer.ts';
export { type PreparedLigand, type PrepareLigand, prepareLigand } from './preparation/prepare-ligand.ts';
export { type PreparedReceptor, type PrepareReceptor, prepareReceptor } from './preparation/prepare-receptor.ts';
export { getLigandPreparationVersion, getOpenBabelVersion, getVinaVersion } from './program/program-version.ts';
export { type ScoreVinaConfidence, scoreVinaConfidence } from './result/confidence.ts';
export { heavyAtomRmsd } from './result/heavy-atom-rmsd.ts';
export { parseVinaPdbqt } from './result/parse-vina-pdbqt.ts';
export type { Pose, PoseMolecule, PoseTerms } from './result/pose.ts';
export { poseToSdf } from './result/pose-sdf.ts';
