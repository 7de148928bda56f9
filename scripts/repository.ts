import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the checkout. */
export const root = join(import.meta.dirname, '..');

export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  readonly directory: string;
  readonly manifest: PackageManifest;
}

/** Reads one package.json. */
export function readManifest(directory: string): PackageManifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageManifest;
}

/** Every package and example of the repository. */
export function listWorkspacePackages(): readonly WorkspacePackage[] {
  return globSync('{packages,examples}/*/package.json', { cwd: root })
    .sort()
    .map((path) => join(root, dirname(path)))
    .map((directory) => ({ directory, manifest: readManifest(directory) }));
}

/** Every package that is published. */
export function listPublicPackages(): readonly WorkspacePackage[] {
  return listWorkspacePackages().filter(({ manifest }) => !manifest.private);
}
