import { isMadError, type MetadataDatabase, type OrgId } from '@mad/core';
import { type Clusters, findOrphans, type Orphan } from '@mad/tenancy';

/** What is on a cluster and should not be, or the other way around, and what to do about it; or that the cluster could not be looked at. */
export interface OrphanFinding extends Omit<Orphan, 'kind' | 'name'> {
  readonly kind: Orphan['kind'] | 'cluster_unreachable';
  /** Of the database or schema; null for a whole cluster. */
  readonly name: string | null;
  readonly found: string;
  readonly remedy: string;
}

export interface LookForOrphans {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** Only what this organization lacks: what no row knows is nobody's. @default all that is found */
  readonly orgId: OrgId | undefined;
}

/** Looks at one cluster after the other; one that cannot be reached is a finding, and the others are looked at. */
export async function lookForOrphans({ metadata, clusters, orgId }: LookForOrphans): Promise<readonly OrphanFinding[]> {
  const findings: OrphanFinding[] = [];
  for (const [cluster, how] of Object.entries(clusters)) {
    try {
      const orphans = await findOrphans({ metadata, clusters: { [cluster]: how } });
      findings.push(...orphans.map((orphan) => ({ ...orphan, ...WORDS[orphan.kind](orphan) })));
    } catch (error) {
      if (!isMadError(error)) throw error;
      const remedy = 'mend the connection and look again';
      findings.push({ kind: 'cluster_unreachable', cluster, name: null, orgId: null, found: error.message, remedy });
    }
  }
  return orgId === undefined ? findings : findings.filter((finding) => finding.orgId === orgId);
}

type Words = (orphan: Orphan) => { readonly found: string; readonly remedy: string };

const unknown = 'made by this login, and no row of the Metadata DB knows it';
const missing: Words = ({ orgId }) => ({
  found: 'its row says that it is ready, and it is not there',
  remedy: orgId === null ? 'drain the warm pool with drainWarmPool' : 'restore it from a backup',
});

const WORDS: Readonly<Record<Orphan['kind'], Words>> = {
  database_unknown: ({ name }) => ({
    found: unknown,
    remedy: `look whose it is; nobody's: DROP DATABASE "${name}"`,
  }),
  schema_unknown: ({ name }) => ({
    found: unknown,
    remedy: `look whose it is; nobody's: DROP SCHEMA "${name}" CASCADE`,
  }),
  draft_left: () => ({
    found: 'a template whose maker was killed',
    remedy: 'provision an organization with a database of its own there: that replaces it',
  }),
  database_missing: missing,
  schema_missing: missing,
};
