import semver from 'semver';
import { ValidationFailedError } from '../errors.ts';

/** Returns for a version as semver.org defines it, without a leading `v`. @throws {ValidationFailedError} */
export function requireSemver(version: string): void {
  if (semver.parse(version)?.raw === version && /^\d\S*$/.test(version)) return;
  throw new ValidationFailedError({
    subject: 'version',
    issues: [{ pointer: '', message: 'expected a semantic version such as 1.0.0 or 2.1.0-rc.1+build.5' }],
  });
}
