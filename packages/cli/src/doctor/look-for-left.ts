import {
  type Finding,
  inAllOrganizations,
  type MetadataDatabase,
  type OrgDatabaseTransition,
  type OrgId,
} from '@mad/core';

/** What a call does with an organization at this moment, or left half-way when it was killed: nobody can tell which. */
export interface LeftFinding extends Omit<Finding, 'kind'> {
  readonly kind: 'provisioning_left' | `${OrgDatabaseTransition}_left`;
}

/** What is left, and the organizations that answer nothing because of it. */
export interface FoundLeft {
  readonly findings: readonly LeftFinding[];
  readonly silent: ReadonlySet<OrgId>;
}

/** Looks at organizations of every status. */
export async function lookForLeft(
  metadata: MetadataDatabase,
  { orgId }: { readonly orgId: OrgId | undefined },
): Promise<FoundLeft> {
  const rows = await inAllOrganizations(metadata, (tx) => findRows(tx, orgId));
  const findings = rows.map((row): LeftFinding => {
    const what = row.transition ?? 'provisioning';
    return { kind: `${what}_left`, orgId: row.org_id, jobId: null, outcome: 'left', ...WORDS[what](row) };
  });
  const silent = findings.filter(({ kind }) => kind !== 'move_drop_left').map(({ orgId: id }) => id);
  return { findings, silent: new Set(silent) };
}

type Transaction = Parameters<Parameters<typeof inAllOrganizations>[1]>[0];
type Row = Awaited<ReturnType<typeof findRows>>[number];

function findRows(tx: Transaction, orgId: OrgId | undefined) {
  const query = tx
    .selectFrom('organizations')
    .leftJoin('org_databases', 'org_databases.org_id', 'organizations.org_id')
    .select(['organizations.org_id', 'name', 'status', 'state', 'placement', 'cluster', 'error', 'transition'])
    .select(['other_placement', 'other_cluster'])
    .where((eb) => eb.or([eb('transition', 'is not', null), eb('status', 'in', ['provisioning', 'failed'])]))
    .orderBy('organizations.org_id');
  return (orgId === undefined ? query : query.where('organizations.org_id', '=', orgId)).execute();
}

type Words = (row: Row) => { readonly found: string; readonly remedy: string };

const place = ({ placement, cluster }: Row): string => `--placement ${placement ?? '…'} --on ${cluster ?? '…'}`;
const moveTo = ({ org_id }: Row, to: string): string => `mad org move ${org_id} ${to}`;
const other = ({ other_placement, other_cluster }: Row): string => `${other_placement} on ${other_cluster}`;

const WORDS: Readonly<Record<'provisioning' | OrgDatabaseTransition, Words>> = {
  provisioning: (row) => {
    const takeBack = `mad org take-back ${row.org_id}`;
    if (row.state === 'deleting')
      return { found: 'taking it back goes on, or was left', remedy: `that ends by ${takeBack}` };
    const { step = undefined } = row.error ?? {};
    const at = typeof step === 'string' ? ` at step ${step}` : '';
    return {
      found: row.status === 'failed' ? `its provisioning stopped${at}` : 'its provisioning goes on, or was left',
      remedy: `it goes on by mad org create ${quote(row.name)} ${place(row)} --resume; ${takeBack} undoes it`,
    };
  },
  move: (row) => ({
    found: `a move to ${other(row)} goes on, or was left: it answers nothing`,
    remedy: `it goes on by ${moveTo(row, `--placement ${row.other_placement} --on ${row.other_cluster}`)}`,
  }),
  move_back: (row) => ({
    found: `a move to ${other(row)} was given up, and taking it back goes on, or was left: it answers nothing`,
    remedy: `it stays where it is by ${moveTo(row, place(row))}`,
  }),
  move_drop: (row) => ({
    found: `it was moved, and dropping ${other(row)} goes on, or was left`,
    remedy: `that ends by ${moveTo(row, place(row))}`,
  }),
  restore: (row) => ({
    found: 'its restore goes on, or was left: it answers nothing',
    remedy: `begin again, which takes away what is left: mad org restore FILE ${place(row)} --artifacts FOLDER`,
  }),
  offboard: ({ org_id, state }) => {
    const found = 'its offboarding goes on, or was left: it answers nothing';
    const begin = `it goes on by mad org offboard ${org_id}`;
    if (state === 'ready')
      return { found, remedy: `${begin} --export FILE --artifacts FOLDER; mad org reactivate ${org_id} takes it back` };
    const why = 'the archive was written, or not wanted';
    return { found: `${found}; ${why}`, remedy: `${begin} --no-export --artifacts FOLDER` };
  },
};

/** One word of a shell, whoever named it. */
const quote = (name: string): string => (/^[\w.]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);
