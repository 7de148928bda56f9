import type { ArtifactStore, ResultCache } from '@mad/core';
import { jobKey, type KeySalt, stepKey } from './cache-key.ts';
import { NormalizedContents } from './normalized-contents.ts';
import type { Normalizers } from './normalizers.ts';

export interface SignerOptions extends KeySalt {
  /** Where files are read that are signed as normalized. */
  readonly artifacts: ArtifactStore;
  /** Beside those of `normalizedDigest`, and before them where the content type is the same. @default none */
  readonly normalizers?: Normalizers | undefined;
}

export type Signer = Pick<ResultCache, 'identifyStep' | 'identifyJob'>;

/**
 * Gives requests their keys, files and texts in them counted as `normalizers` say. A file is read the first time it is met, and then known by its
 * digest as long as this process lives and has room.
 */
export function createSigner({ salt, ...options }: SignerOptions): Signer {
  const contents = new NormalizedContents(options);
  return {
    identifyStep: ({ orgId, task, request }) =>
      contents.fold(orgId, (folding) => stepKey({ task, request, salt }, folding)),
    identifyJob: ({ orgId, spec, tasks, inputs, parameters }) =>
      contents.fold(orgId, (folding) => jobKey({ spec, tasks, inputs, parameters, salt }, folding)),
  };
}
