import { ValidationFailedError } from '../errors.ts';
import { type OrgId, UUID_PATTERN as UUID } from '../ids.ts';
import { DIGEST_PATTERN } from './is-digest.ts';

/** Where a file is, as the rows keep it: `mad://org/<org_id>/artifacts/<sha-256>`. */
export interface ArtifactAddress {
  readonly orgId: OrgId;
  readonly digest: string;
}

const ARTIFACT_URI = new RegExp(`^mad://org/(${UUID})/artifacts/(${DIGEST_PATTERN})$`);
const MOLECULE_URI = new RegExp(`^mad://org/(${UUID})/molecules/(${UUID})\\.[A-Za-z0-9]+$`);

export function formatArtifactUri({ orgId, digest }: ArtifactAddress): string {
  return `mad://org/${orgId}/artifacts/${digest}`;
}

/** The address in an artifact URI; undefined for any other text. */
export function parseArtifactUri(uri: string): ArtifactAddress | undefined {
  const [, orgId, digest] = ARTIFACT_URI.exec(uri) ?? [];
  return orgId !== undefined && digest !== undefined ? { orgId, digest } : undefined;
}

/** Where a molecule of the catalogue is: `mad://org/<org_id>/molecules/<molecule_id>.<format>`. */
export function formatMoleculeUri(molecule: { orgId: OrgId; moleculeId: string; format: string }): string {
  if (!/^[A-Za-z0-9]+$/.test(molecule.format)) {
    throw new ValidationFailedError({
      subject: 'molecule',
      issues: [{ pointer: '/format', message: 'expected letters and digits, such as pdb or sdf' }],
    });
  }
  return `mad://org/${molecule.orgId}/molecules/${molecule.moleculeId}.${molecule.format}`;
}

export function parseMoleculeUri(uri: string): { readonly orgId: OrgId; readonly moleculeId: string } | undefined {
  const [, orgId, moleculeId] = MOLECULE_URI.exec(uri) ?? [];
  return orgId !== undefined && moleculeId !== undefined ? { orgId, moleculeId } : undefined;
}
