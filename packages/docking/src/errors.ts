import { type JsonObject, MadError, type MadErrorFacts } from '@mad/core';

/** Thrown when a string is no SMILES of one dockable molecule. Permanent: mend the SMILES, or leave this ligand out. */
export class InvalidSmilesError extends MadError {
  static override readonly code = 'MAD_DOCKING_INVALID_SMILES';
  constructor({ problem, advice, cause }: { problem: string; advice: string; cause?: unknown }) {
    super({ message: `the SMILES cannot be docked: ${problem}; ${advice}`, details: { problem }, cause });
  }
}

/** Thrown when a ligand is a molecule, but no 3D structure or PDBQT can be made of it, or the engine refuses it. Permanent for this ligand. */
export class InvalidLigandError extends MadError {
  static override readonly code = 'MAD_DOCKING_INVALID_LIGAND';
  constructor({ problem, advice, cause }: { problem: string; advice: string; cause?: unknown }) {
    super({ message: `the ligand cannot be docked: ${problem}; ${advice}`, details: { problem }, cause });
  }
}

/** Thrown when a receptor file holds no structure that can be docked into, or the engine refuses it. Permanent. */
export class InvalidReceptorError extends MadError {
  static override readonly code = 'MAD_DOCKING_INVALID_RECEPTOR';
  constructor({ problem, advice }: { problem: string; advice: string }) {
    super({ message: `the receptor cannot be used: ${problem}; ${advice}`, details: { problem } });
  }
}

/** Thrown when a docking ran, or would run, without a pose in the box. Permanent: place or enlarge the box. */
export class NoPosesError extends MadError {
  static override readonly code = 'MAD_DOCKING_NO_POSES';
  constructor({ problem, box, advice }: { problem: string; box: string; advice: string }) {
    super({ message: `no poses: ${problem} (${box}); ${advice}`, details: { problem, box } });
  }
}

/** Thrown when a file of poses is damaged: no MODEL, ranks that are not 1..n, or a score that is not a finite number. Such a file is never a result. */
export class InvalidPosesError extends MadError {
  static override readonly code = 'MAD_DOCKING_INVALID_POSES';
  constructor({ problem }: { problem: string }) {
    super({
      message: `the pose file is not a result: ${problem}; run the docking again and keep this file for inspection`,
      details: { problem },
    });
  }
}

/** Thrown when two structures that should be the same molecule are not, so that no RMSD is defined between them. */
export class StructureMismatchError extends MadError {
  static override readonly code = 'MAD_DOCKING_STRUCTURE_MISMATCH';
  constructor({ problem, details }: { problem: string; details: JsonObject }) {
    super({
      message: `no RMSD between different molecules: ${problem}; compare poses of one ligand, with all its heavy atoms`,
      details,
    });
  }
}

/** Thrown when a program is not installed on this machine. */
export class ProgramMissingError extends MadError {
  static override readonly code = 'MAD_DOCKING_PROGRAM_MISSING';
  constructor({ program }: { program: string }) {
    super({
      message: `the program ${program} is not installed or not on the PATH; on Debian and Ubuntu: apt-get install openbabel autodock-vina`,
      details: { program },
    });
  }
}

/** Thrown when a program ran longer than allowed; it and its children were killed. The same input may hang again: retry once, then set it aside. */
export class ProgramTimeoutError extends MadError {
  static override readonly code = 'MAD_DOCKING_TIMEOUT';
  static override readonly retryable = true;
  constructor({ program, timeoutMs }: { program: string; timeoutMs: number }) {
    super({
      message: `${program} did not end within ${timeoutMs} ms and was killed; allow more time, or leave this input out`,
      details: { program, timeoutMs },
    });
  }
}

/** Thrown when a program was killed from outside (out of memory, preempted) or ran out of memory or disk: the same call may succeed later. */
export class ProgramKilledError extends MadError {
  static override readonly code = 'MAD_DOCKING_PROGRAM_KILLED';
  static override readonly retryable = true;
  constructor({ program, sign }: { program: string; sign: string }) {
    super({
      message: `${program} was stopped by its machine (${sign}); try again, with more memory or disk if it repeats`,
      details: { program, sign },
    });
  }
}

/** Thrown when a program failed for a reason that its input does not explain. Not retried: the same input fails again. */
export class ProgramFailedError extends MadError {
  static override readonly code = 'MAD_DOCKING_PROGRAM_FAILED';
  constructor({
    program,
    exitCode,
    reason,
    cause,
  }: { program: string; exitCode: number | null; reason: string } & Pick<MadErrorFacts, 'cause'>) {
    super({
      message: `${program} failed (exit ${exitCode ?? 'by signal'}): ${reason}`,
      details: { program, exitCode },
      cause,
    });
  }
}

/** Thrown when a box is no box: an edge that is not above 0, a coordinate that is no number, or larger than an engine can search. */
export class InvalidBoxError extends MadError {
  static override readonly code = 'MAD_DOCKING_INVALID_BOX';
  constructor({ problem }: { problem: string }) {
    super({
      message: `the box is not valid: ${problem}; give center and size in ångström, each edge above 0 and at most 100`,
      details: { problem },
    });
  }
}

/** Thrown when an option of a docking is out of range, before the engine starts. Permanent: correct the call. */
export class InvalidDockingOptionsError extends MadError {
  static override readonly code = 'MAD_DOCKING_INVALID_OPTIONS';
  constructor({ option, expected, value }: { option: string; expected: string; value: unknown }) {
    super({
      message: `the docking option ${option} must be ${expected}, but is ${String(value)}; correct it or leave it out`,
      details: { option, expected },
    });
  }
}
