import semver from 'semver';

/** The highest of these versions that is no prerelease, as semver orders them; undefined where none is. */
export function highestRelease(versions: readonly string[]): string | undefined {
  return versions
    .filter((version) => semver.valid(version) && !semver.prerelease(version))
    .sort((a, b) => semver.compareBuild(b, a))[0];
}
