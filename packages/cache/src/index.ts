export * from './errors.ts';
export {
  createResultCache,
  type ResultCacheOptions,
} from './result-cache.ts';
export { type JobContent, jobKey, type KeySalt, type StepContent, stepKey } from './signature/cache-key.ts';
export { canonicalJson } from './signature/canonical-json.ts';
export { digest } from './signature/digest.ts';
export { inputSignature, type SignedContent } from './signature/input-signature.ts';
export { normalizedDigest } from './signature/normalized-digest.ts';
